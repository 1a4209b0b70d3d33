BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE audit_entries (
	id INTEGER NOT NULL, 
	made_at DATETIME NOT NULL, 
	made_by VARCHAR(80) NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	subject TEXT NOT NULL, 
	note TEXT, 
	CONSTRAINT pk_audit_entries PRIMARY KEY (id)
);
CREATE TABLE callbacks (
	id INTEGER NOT NULL, 
	received_at DATETIME NOT NULL, 
	remote_address VARCHAR(64), 
	outcome VARCHAR(16) NOT NULL, 
	status INTEGER NOT NULL, 
	orderref VARCHAR(64), 
	event VARCHAR(200), 
	msg VARCHAR(200), 
	body TEXT NOT NULL, 
	error TEXT, 
	CONSTRAINT pk_callbacks PRIMARY KEY (id)
);
INSERT INTO "callbacks" VALUES(1,'2026-11-28 02:49:51.131989','127.0.0.1','order',200,'UIA202411-001186','Project Update','Project New Order','{"event": "Project Update", "orderref": "UIA202411-001186", "msg": "Project New Order"}',NULL);
INSERT INTO "callbacks" VALUES(2,'2026-11-28 02:50:19.048912','127.0.0.1','repeat',200,'UIA202411-001186','Project Update','Project New Order','{"event": "Project Update", "orderref": "UIA202411-001186", "msg": "Project New Order"}',NULL);
INSERT INTO "callbacks" VALUES(3,'2026-11-28 02:50:19.095585','127.0.0.1','repeat',200,'UIA202411-001186','Project Update','Project New Order','{"event": "Project Update", "orderref": "UIA202411-001186", "msg": "Project New Order"}',NULL);
INSERT INTO "callbacks" VALUES(4,'2026-11-28 02:50:35.480542','127.0.0.1','order',200,'UIA202411-001188','Project Update','Project New Order','{"event": "Project Update", "orderref": "UIA202411-001188", "msg": "Project New Order"}',NULL);
CREATE TABLE digest_messages (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	slot VARCHAR(340), 
	batch INTEGER NOT NULL, 
	email VARCHAR(320) NOT NULL, 
	email_key VARCHAR(320) NOT NULL, 
	full_name TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	error TEXT, 
	sent_at DATETIME, 
	CONSTRAINT pk_digest_messages PRIMARY KEY (id), 
	CONSTRAINT fk_digest_messages_run_id FOREIGN KEY(run_id) REFERENCES digest_runs (id) ON DELETE CASCADE, 
	CONSTRAINT uq_digest_messages_slot UNIQUE (slot)
);
CREATE TABLE digest_previews (
	id INTEGER NOT NULL, 
	asked_at DATETIME NOT NULL, 
	asked_by VARCHAR(80) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	progress TEXT NOT NULL, 
	error TEXT, 
	result JSON, 
	finished_at DATETIME, 
	CONSTRAINT pk_digest_previews PRIMARY KEY (id)
);
CREATE TABLE digest_runs (
	id INTEGER NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	iso_week VARCHAR(8) NOT NULL, 
	started_by VARCHAR(80) NOT NULL, 
	source TEXT NOT NULL, 
	since DATE, 
	window_starts_on DATE, 
	state VARCHAR(16) NOT NULL, 
	attempt INTEGER NOT NULL, 
	planned BOOLEAN NOT NULL, 
	error TEXT, 
	next_try_at DATETIME, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	rows_read INTEGER NOT NULL, 
	already_reported INTEGER NOT NULL, 
	repeated INTEGER NOT NULL, 
	for_next_week INTEGER NOT NULL, 
	set_aside INTEGER NOT NULL, 
	CONSTRAINT pk_digest_runs PRIMARY KEY (id), 
	CONSTRAINT uq_digest_runs_key UNIQUE ("key")
);
CREATE TABLE digest_set_aside (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	cause VARCHAR(40) NOT NULL, 
	reason TEXT NOT NULL, 
	ticket TEXT NOT NULL, 
	date TEXT NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT NOT NULL, 
	CONSTRAINT pk_digest_set_aside PRIMARY KEY (id), 
	CONSTRAINT fk_digest_set_aside_run_id FOREIGN KEY(run_id) REFERENCES digest_runs (id) ON DELETE CASCADE
);
CREATE TABLE digest_window (
	id INTEGER NOT NULL, 
	starts_on DATE NOT NULL, 
	set_by VARCHAR(80) NOT NULL, 
	set_at DATETIME NOT NULL, 
	CONSTRAINT pk_digest_window PRIMARY KEY (id)
);
CREATE TABLE failed_sign_ins (
	id INTEGER NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	remote_address VARCHAR(64), 
	failed_at DATETIME NOT NULL, 
	CONSTRAINT pk_failed_sign_ins PRIMARY KEY (id)
);
CREATE TABLE notice_deliveries (
	id INTEGER NOT NULL, 
	notice_id INTEGER NOT NULL, 
	recipient VARCHAR(320) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	error TEXT, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_notice_deliveries PRIMARY KEY (id), 
	CONSTRAINT fk_notice_deliveries_notice_id FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE CASCADE, 
	CONSTRAINT uq_notice_deliveries_notice_id UNIQUE (notice_id, recipient)
);
INSERT INTO "notice_deliveries" VALUES(1,1,'office@example.com','sent',NULL,'2026-11-28 02:49:58.454749');
INSERT INTO "notice_deliveries" VALUES(2,2,'office@example.com','sent',NULL,'2026-11-28 02:50:36.206116');
CREATE TABLE notices (
	id INTEGER NOT NULL, 
	"key" VARCHAR(160) NOT NULL, 
	kind VARCHAR(24) NOT NULL, 
	order_id INTEGER, 
	content JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	run INTEGER NOT NULL, 
	tries INTEGER NOT NULL, 
	waiting_for VARCHAR(16), 
	next_try_at DATETIME, 
	error TEXT, 
	created_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	CONSTRAINT pk_notices PRIMARY KEY (id), 
	CONSTRAINT fk_notices_order_id FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE, 
	CONSTRAINT uq_notices_key UNIQUE ("key")
);
INSERT INTO "notices" VALUES(1,'account_created:UIA202411-001186','account_created',1,'{"reason": null, "actions": []}','sent',1,0,NULL,NULL,NULL,'2026-11-28 02:49:57.054727','2026-11-28 02:49:58.661713');
INSERT INTO "notices" VALUES(2,'needs_you:UIA202411-001188:1','needs_you',2,'{"reason": "No PowerCode service is known for the plan \"10 Gbps\". Map it, then try again: every order that waits for it goes on", "actions": [{"action": "resume", "label": "Try again"}, {"action": "dismiss", "label": "Close the order, with a note"}]}','sent',1,0,NULL,NULL,NULL,'2026-11-28 02:50:35.843167','2026-11-28 02:50:36.253667');
CREATE TABLE order_decisions (
	id INTEGER NOT NULL, 
	order_id INTEGER NOT NULL, 
	made_at DATETIME NOT NULL, 
	made_by VARCHAR(80) NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	note TEXT, 
	CONSTRAINT pk_order_decisions PRIMARY KEY (id), 
	CONSTRAINT fk_order_decisions_order_id FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE
);
CREATE TABLE order_exchanges (
	id INTEGER NOT NULL, 
	order_id INTEGER NOT NULL, 
	step VARCHAR(64) NOT NULL, 
	made_at DATETIME NOT NULL, 
	system VARCHAR(16) NOT NULL, 
	action VARCHAR(80) NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	seconds DOUBLE NOT NULL, 
	sent TEXT NOT NULL, 
	answered TEXT NOT NULL, 
	CONSTRAINT pk_order_exchanges PRIMARY KEY (id), 
	CONSTRAINT fk_order_exchanges_order_id FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE
);
INSERT INTO "order_exchanges" VALUES(1,1,'fetch_contract','2026-11-28 02:49:52.180222','utopia','contractlookup','ok',1.90286486999866610858e-01,'POST /spquery/contractlookup {"orderref": "UIA202411-001186"}','200 {"status": "Signed", "ordersource": "webcustomer", "promo": "", "contractdownload": "Ready", "customer": {"firstname": "Ada", "lastname": "Lind", "email": "ada.lind@example.com", "phone": "4065550143"}, "address": {"siteid": "714780", "address": "12 N EXAMPLE AVENUE", "apt": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "billingaddress": {"name": "Ada Lind", "phone": "4065550143", "address": "12 N EXAMPLE AVENUE", "apt": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "orderitems": [{"pid": "259", "chargetype": "mrc", "description": "250 Mbps", "costper": "65", "totalcost": "65", "qty": "1"}], "orderphoneport": [], "termsagreement": {"sp_terms_agree_date": "2025-10-20 14:03:11"}}');
INSERT INTO "order_exchanges" VALUES(2,1,'find_customer','2026-11-28 02:49:54.165901','powercode','readCustomer','not_found',7.38456149997546162921e-02,'POST /api/1/index.php {"action": "readCustomer", "extAccountID": "714780"}','200 {"message": "Customer not found", "statusCode": 4}');
INSERT INTO "order_exchanges" VALUES(3,1,'find_customer','2026-11-28 02:49:54.240872','powercode','searchCustomers','not_found',0.0660226669997428,'POST /api/1/index.php {"action": "searchCustomers", "searchString": "Ada Lind"}','200 {"message": "0 customers found", "customers": [], "statusCode": "0"}');
INSERT INTO "order_exchanges" VALUES(4,1,'create_customer','2026-11-28 02:49:54.764768','powercode','createCustomer','ok',2.07686319999993429519e-02,'POST /api/1/index.php {"action": "createCustomer", "firstName": "Ada", "lastName": "Lind", "emailAddress": "ada.lind@example.com", "physicalStreet": "12 N EXAMPLE AVENUE", "physicalCity": "Bozeman", "physicalState": "MT", "physicalZip": "59715", "physicalAutomaticallyGeocode": "1", "billingSameAsPhysical": "1", "taxZoneId": "1", "invoicePreference": "Email", "billDay": "Activation Date", "dueByDays": "0", "gracePeriodDays": "10", "customerNotes": "Order# UIA202411-001186\nUtopia SiteID: 714780\nAgreed to Service Provider Terms: 2025-10-20 14:03:11", "customerPortalUsername": "ada.lind@example.com", "customerPortalPassword": "***", "phone": "[{\"Type\": \"Home\", \"Number\": \"4065550143\"}]", "extAccountID": "714780"}','200 {"message": "Customer created", "customerID": 1002, "statusCode": 0}');
INSERT INTO "order_exchanges" VALUES(5,1,'plan:163','2026-11-28 02:49:55.040992','powercode','addCustomerService','ok',0.0852683690000049,'POST /api/1/index.php {"action": "addCustomerService", "customerID": "1002", "serviceID": "163", "quantity": "1", "prorateService": "0"}','200 {"message": "Service added", "statusCode": "0"}');
INSERT INTO "order_exchanges" VALUES(6,1,'plan:172','2026-11-28 02:49:55.349540','powercode','addCustomerService','ok',4.51512700001330813392e-02,'POST /api/1/index.php {"action": "addCustomerService", "customerID": "1002", "serviceID": "172", "quantity": "1", "prorateService": "0"}','200 {"message": "Service added", "statusCode": 0}');
INSERT INTO "order_exchanges" VALUES(7,1,'ticket','2026-11-28 02:49:55.782353','powercode','createTicket','ok',4.80979220001245266757e-02,'POST /api/1/index.php {"action": "createTicket", "type": "Individual", "summary": "Customer has requested fiber service", "category": "54", "ticketType": "21", "description": "<p>Hello Ada,</p>\n<p>Welcome, and thank you for choosing us as your fiber internet provider. Your order has arrived and your account is ready.</p>\n<p>Your order<br>Plan: 250 Mbps<br>Installation address: 12 N EXAMPLE AVENUE, Bozeman, MT 59715<br>Order number: UIA202411-001186<br>Account number: 1002</p>\n<p>What happens next<br>1. Our office calls you at 4065550143 to agree on a day for the installation.<br>2. On that day, please have an adult at home who can show us where you would like the connection.<br>3. We connect your equipment, test it with you, and you are online.</p>\n<p>Is something not right, such as the plan, the address or your phone number? Do you have a question? Simply reply to this message. Your reply reaches our office and stays with your order.</p>\n<p>We look forward to getting you connected.</p>\n<p>Your installation team</p>", "status": "1", "responsibleUser": "Sales", "responsibleGroupID": "4", "customerViewable": "1", "customerID": "1002"}','200 {"message": "Ticket created", "ticketID": "15", "statusCode": "0"}');
INSERT INTO "order_exchanges" VALUES(8,1,'tag:5','2026-11-28 02:49:56.384547','powercode','POST customer/tags/customer','ok',8.42904899996028689201e-02,'POST /uapi/customer/tags/customer {"customerID": "1002", "tags[]": "5"}','200 {"Success": true, "Response": [{"TagID": 5, "TagName": "Bridged Handoff"}]}');
INSERT INTO "order_exchanges" VALUES(9,1,'tag:9','2026-11-28 02:49:56.903735','powercode','POST customer/tags/customer','ok',2.93802510000205074902e-02,'POST /uapi/customer/tags/customer {"customerID": "1002", "tags[]": "9"}','200 {"Success": true, "Response": [{"TagID": "5", "TagName": "Bridged Handoff"}, {"TagID": "9", "TagName": "UTOPIA"}]}');
INSERT INTO "order_exchanges" VALUES(10,2,'fetch_contract','2026-11-28 02:50:35.732314','utopia','contractlookup','ok',2.74869709996892197523e-02,'POST /spquery/contractlookup {"orderref": "UIA202411-001188"}','200 {"status": "Signed", "ordersource": "webcustomer", "promo": "", "contractdownload": "Ready", "customer": {"firstname": "Iris", "lastname": "Vance", "email": "iris.vance@example.com", "phone": "4065550131"}, "address": {"siteid": "714533", "address": "230 W SAMPLE STREET", "apt": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "billingaddress": {"name": "Iris Vance", "phone": "4065550131", "address": "230 W SAMPLE STREET", "apt": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "orderitems": [{"pid": "299", "chargetype": "mrc", "description": "10 Gbps", "costper": "99", "totalcost": "99", "qty": "1"}], "orderphoneport": [], "termsagreement": {"sp_terms_agree_date": "2025-10-20 14:03:11"}}');
CREATE TABLE order_search (
	order_id INTEGER NOT NULL, 
	person TEXT NOT NULL, 
	address TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	words TEXT NOT NULL, 
	CONSTRAINT pk_order_search PRIMARY KEY (order_id), 
	CONSTRAINT fk_order_search_order_id FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE
);
INSERT INTO "order_search" VALUES(1,'Ada Lind','12 N EXAMPLE AVENUE, Bozeman Montana 59715','250 Mbps','ada lind 12 n example avenue, bozeman montana 59715 uia202411-001186 ada.lind@example.com 4065550143 +1 (406) 555-0143 1002 15 ada lind 12 n example avenue, bozeman montana 59715');
INSERT INTO "order_search" VALUES(2,'Iris Vance','230 W SAMPLE STREET, Bozeman Montana 59715','10 Gbps','iris vance 230 w sample street, bozeman montana 59715 uia202411-001188 iris.vance@example.com 4065550131 +1 (406) 555-0131   iris vance 230 w sample street, bozeman montana 59715');
CREATE TABLE order_steps (
	id INTEGER NOT NULL, 
	order_id INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	finished_at DATETIME, 
	result JSON, 
	error TEXT, 
	CONSTRAINT pk_order_steps PRIMARY KEY (id), 
	CONSTRAINT fk_order_steps_order_id FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE, 
	CONSTRAINT uq_order_steps_order_id UNIQUE (order_id, name)
);
INSERT INTO "order_steps" VALUES(1,1,'fetch_contract','done',1,'2026-11-28 02:49:51.913296',NULL,'2026-11-28 02:49:52.435121',NULL,NULL);
INSERT INTO "order_steps" VALUES(2,1,'check_contract','done',1,'2026-11-28 02:49:52.740807',NULL,'2026-11-28 02:49:52.815212',NULL,NULL);
INSERT INTO "order_steps" VALUES(3,1,'hand_over','done',1,'2026-11-28 02:49:52.998035',NULL,'2026-11-28 02:49:53.090195',NULL,NULL);
INSERT INTO "order_steps" VALUES(4,1,'find_customer','done',1,'2026-11-28 02:49:53.841761',NULL,'2026-11-28 02:49:54.354962','{"customer_id": null, "service_ids": [163, 172], "tag_ids": [5, 9]}',NULL);
INSERT INTO "order_steps" VALUES(5,1,'create_customer','done',1,'2026-11-28 02:49:54.678750','2026-11-28 02:49:54.678764','2026-11-28 02:49:54.787083','{"customer_id": "1002"}',NULL);
INSERT INTO "order_steps" VALUES(6,1,'plan:163','done',1,'2026-11-28 02:49:54.971879','2026-11-28 02:49:54.971894','2026-11-28 02:49:55.134032','{"service_id": 163}',NULL);
INSERT INTO "order_steps" VALUES(7,1,'plan:172','done',1,'2026-11-28 02:49:55.293024','2026-11-28 02:49:55.293030','2026-11-28 02:49:55.602679','{"service_id": 172}',NULL);
INSERT INTO "order_steps" VALUES(8,1,'ticket','done',1,'2026-11-28 02:49:55.698186','2026-11-28 02:49:55.698200','2026-11-28 02:49:55.831716','{"ticket_id": "15"}',NULL);
INSERT INTO "order_steps" VALUES(9,1,'tag:5','done',1,'2026-11-28 02:49:56.244346','2026-11-28 02:49:56.244360','2026-11-28 02:49:56.513795','{"tag_id": 5}',NULL);
INSERT INTO "order_steps" VALUES(10,1,'tag:9','done',1,'2026-11-28 02:49:56.873882','2026-11-28 02:49:56.873890','2026-11-28 02:49:56.965556','{"tag_id": 9}',NULL);
INSERT INTO "order_steps" VALUES(11,1,'complete','done',1,'2026-11-28 02:49:57.049252',NULL,'2026-11-28 02:49:57.051079',NULL,NULL);
INSERT INTO "order_steps" VALUES(12,2,'fetch_contract','done',1,'2026-11-28 02:50:35.729887',NULL,'2026-11-28 02:50:35.792233',NULL,NULL);
INSERT INTO "order_steps" VALUES(13,2,'check_contract','refused',1,'2026-11-28 02:50:35.834176',NULL,'2026-11-28 02:50:35.841598',NULL,'No PowerCode service is known for the plan "10 Gbps". Map it, then try again: every order that waits for it goes on');
CREATE TABLE orders (
	id INTEGER NOT NULL, 
	orderref VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	stage VARCHAR(16) NOT NULL, 
	run INTEGER NOT NULL, 
	problem VARCHAR(40), 
	reason TEXT, 
	actions JSON NOT NULL, 
	decision JSON NOT NULL, 
	contract JSON, 
	account JSON, 
	site_id VARCHAR(64), 
	customer_id VARCHAR(32), 
	ticket_id VARCHAR(32), 
	remarks JSON NOT NULL, 
	waiting_for VARCHAR(16), 
	waiting_since DATETIME, 
	next_try_at DATETIME, 
	tried_at DATETIME, 
	tries INTEGER NOT NULL, 
	restarts INTEGER NOT NULL, 
	told_of_wait_since DATETIME, 
	received_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	finished_at DATETIME, corrections JSON, 
	CONSTRAINT pk_orders PRIMARY KEY (id), 
	CONSTRAINT uq_orders_orderref UNIQUE (orderref)
);
INSERT INTO "orders" VALUES(1,'UIA202411-001186','completed','account',1,NULL,NULL,'[]','{}','{"status": "Signed", "order_source": "webcustomer", "promo": "", "contract_ready": true, "customer": {"first_name": "Ada", "last_name": "Lind", "email": "ada.lind@example.com", "phone": "4065550143"}, "address": {"site_id": "714780", "street": "12 N EXAMPLE AVENUE", "unit": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "billing_name": "Ada Lind", "billing_phone": "4065550143", "billing_address": {"site_id": "", "street": "12 N EXAMPLE AVENUE", "unit": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "items": [{"pid": "259", "charge_type": "mrc", "description": "250 Mbps", "cost_per": "65", "total_cost": "65", "quantity": "1"}], "terms_agreed_on": "2025-10-20 14:03:11"}','{"applicant": {"first_name": "Ada", "last_name": "Lind", "email": "ada.lind@example.com", "phone": "4065550143", "street": "12 N EXAMPLE AVENUE", "city": "Bozeman", "state": "MT", "zip": "59715", "site_id": "714780", "terms_agreed_on": "2025-10-20 14:03:11"}, "plans": [[163, "250 Mbps"]], "additional": [[172, "Bond fee"]]}','714780','1002','15','[]',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28 02:49:50.968584','2026-11-28 02:49:57.080041','2026-11-28 02:49:57.052076',NULL);
INSERT INTO "orders" VALUES(2,'UIA202411-001188','needs_review','order',1,'unknown_plan','No PowerCode service is known for the plan "10 Gbps". Map it, then try again: every order that waits for it goes on','[{"action": "resume", "label": "Try again"}, {"action": "dismiss", "label": "Close the order, with a note"}]','{}','{"status": "Signed", "order_source": "webcustomer", "promo": "", "contract_ready": true, "customer": {"first_name": "Iris", "last_name": "Vance", "email": "iris.vance@example.com", "phone": "4065550131"}, "address": {"site_id": "714533", "street": "230 W SAMPLE STREET", "unit": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "billing_name": "Iris Vance", "billing_phone": "4065550131", "billing_address": {"site_id": "", "street": "230 W SAMPLE STREET", "unit": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "items": [{"pid": "299", "charge_type": "mrc", "description": "10 Gbps", "cost_per": "99", "total_cost": "99", "quantity": "1"}], "terms_agreed_on": "2025-10-20 14:03:11"}','{"unknown_plans": ["10 Gbps"]}','714533',NULL,NULL,'[]',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28 02:50:35.465279','2026-11-28 02:50:35.844052',NULL,NULL);
CREATE TABLE plans_seen (
	"key" VARCHAR(200) NOT NULL, 
	description VARCHAR(200) NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	last_orderref VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_plans_seen PRIMARY KEY ("key")
);
INSERT INTO "plans_seen" VALUES('250mbps','250 Mbps','2026-11-28 02:49:52.551350','2026-11-28 02:49:52.551350','UIA202411-001186');
INSERT INTO "plans_seen" VALUES('10gbps','10 Gbps','2026-11-28 02:50:35.800732','2026-11-28 02:50:35.800732','UIA202411-001188');
CREATE TABLE remote_systems (
	name VARCHAR(16) NOT NULL, 
	down_since DATETIME, 
	failures INTEGER NOT NULL, 
	next_probe_at DATETIME, 
	probe VARCHAR(160), 
	error TEXT, 
	CONSTRAINT pk_remote_systems PRIMARY KEY (name)
);
CREATE TABLE reported_tickets (
	id INTEGER NOT NULL, 
	message_id INTEGER NOT NULL, 
	slot VARCHAR(340), 
	ticket VARCHAR(120) NOT NULL, 
	ticket_key VARCHAR(320) NOT NULL, 
	closed_on DATE NOT NULL, 
	CONSTRAINT pk_reported_tickets PRIMARY KEY (id), 
	CONSTRAINT fk_reported_tickets_message_id FOREIGN KEY(message_id) REFERENCES digest_messages (id) ON DELETE CASCADE, 
	CONSTRAINT uq_reported_tickets_slot UNIQUE (slot)
);
CREATE TABLE schedule_marks (
	name VARCHAR(40) NOT NULL, 
	kept_since DATETIME NOT NULL, 
	CONSTRAINT pk_schedule_marks PRIMARY KEY (name)
);
CREATE TABLE service_plan_mappings (
	"key" VARCHAR(200) NOT NULL, 
	description VARCHAR(200) NOT NULL, 
	service_id INTEGER NOT NULL, 
	additional BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_service_plan_mappings PRIMARY KEY ("key")
);
INSERT INTO "service_plan_mappings" VALUES('1gbps','1 Gbps',164,0,'2026-11-28 02:49:47.063480');
INSERT INTO "service_plan_mappings" VALUES('250mbps','250 Mbps',163,0,'2026-11-28 02:49:47.126023');
INSERT INTO "service_plan_mappings" VALUES(' bondfee','Bond fee',172,1,'2026-11-28 02:49:47.126997');
CREATE TABLE sign_ins (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	began_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	remote_address VARCHAR(64), 
	browser VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_sign_ins PRIMARY KEY (id), 
	CONSTRAINT fk_sign_ins_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT uq_sign_ins_token_hash UNIQUE (token_hash)
);
CREATE TABLE ticket_text_versions (
	id INTEGER NOT NULL, 
	file VARCHAR(200) NOT NULL, 
	text TEXT NOT NULL, 
	seen_at DATETIME NOT NULL, 
	saved_by VARCHAR(80), 
	CONSTRAINT pk_ticket_text_versions PRIMARY KEY (id)
);
CREATE TABLE users (
	id INTEGER NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	password_hash TEXT NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	signed_in_at DATETIME, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_key UNIQUE ("key")
);
INSERT INTO "users" VALUES(1,'demo','demo','$argon2id$v=19$m=19456,t=2,p=1$CCqUY41wtEezxLXwZ74qIg$fGE/kEYB5xmlKpg9pTv7W8cAql2QZKiXhz/oCFllhF0','administrator','2026-11-28 02:49:47.517475',NULL);
CREATE INDEX ix_callbacks_orderref ON callbacks (orderref);
CREATE INDEX ix_callbacks_received_at ON callbacks (received_at);
CREATE INDEX ix_orders_site_id ON orders (site_id);
CREATE INDEX ix_orders_state_next_try_at ON orders (state, next_try_at);
CREATE INDEX ix_notices_order_id ON notices (order_id);
CREATE INDEX ix_notices_state_next_try_at ON notices (state, next_try_at);
CREATE INDEX ix_order_decisions_order_id ON order_decisions (order_id);
CREATE INDEX ix_digest_runs_iso_week ON digest_runs (iso_week);
CREATE INDEX ix_digest_messages_email_key ON digest_messages (email_key);
CREATE INDEX ix_digest_messages_run_id_batch ON digest_messages (run_id, batch);
CREATE INDEX ix_digest_set_aside_run_id ON digest_set_aside (run_id);
CREATE INDEX ix_reported_tickets_closed_on ON reported_tickets (closed_on);
CREATE INDEX ix_reported_tickets_message_id ON reported_tickets (message_id);
CREATE INDEX ix_audit_entries_made_at ON audit_entries (made_at);
CREATE INDEX ix_failed_sign_ins_failed_at ON failed_sign_ins (failed_at);
CREATE INDEX ix_ticket_text_versions_file ON ticket_text_versions (file);
CREATE INDEX ix_order_exchanges_order_id ON order_exchanges (order_id);
CREATE INDEX ix_sign_ins_user_id ON sign_ins (user_id);
CREATE INDEX ix_orders_finished_at ON orders (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX ix_orders_state_id ON orders (state, id);
COMMIT;
