BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
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
	received_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	CONSTRAINT pk_orders PRIMARY KEY (id), 
	CONSTRAINT uq_orders_orderref UNIQUE (orderref)
);
INSERT INTO "orders" VALUES(1,'UIA202411-001186','completed','account',1,NULL,NULL,'[]','{}','{"status": "Signed", "order_source": "webcustomer", "promo": "", "contract_ready": true, "customer": {"first_name": "Ada", "last_name": "Lind", "email": "ada.lind@example.com", "phone": "4065550143"}, "address": {"site_id": "714780", "street": "12 N EXAMPLE AVENUE", "unit": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "billing_name": "Ada Lind", "billing_phone": "4065550143", "billing_address": {"site_id": "", "street": "12 N EXAMPLE AVENUE", "unit": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "items": [{"pid": "259", "charge_type": "mrc", "description": "250 Mbps", "cost_per": "65", "total_cost": "65", "quantity": "1"}], "terms_agreed_on": "2025-10-20 14:03:11"}','{"applicant": {"first_name": "Ada", "last_name": "Lind", "email": "ada.lind@example.com", "phone": "4065550143", "street": "12 N EXAMPLE AVENUE", "city": "Bozeman", "state": "MT", "zip": "59715", "site_id": "714780", "terms_agreed_on": "2025-10-20 14:03:11"}, "plans": [[163, "250 Mbps"]], "additional": [[172, "Bond fee"]]}','714780','1002','15','[]',NULL,NULL,NULL,NULL,0,'2026-11-28 02:49:50.968584','2026-11-28 02:49:57.080041','2026-11-28 02:49:57.052076');
INSERT INTO "orders" VALUES(2,'UIA202411-001188','needs_review','order',1,'unknown_plan','No PowerCode service is known for the plan "10 Gbps". Map it, then try again: every order that waits for it goes on','[{"action": "resume", "label": "Try again"}, {"action": "dismiss", "label": "Close the order, with a note"}]','{}','{"status": "Signed", "order_source": "webcustomer", "promo": "", "contract_ready": true, "customer": {"first_name": "Iris", "last_name": "Vance", "email": "iris.vance@example.com", "phone": "4065550131"}, "address": {"site_id": "714533", "street": "230 W SAMPLE STREET", "unit": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "billing_name": "Iris Vance", "billing_phone": "4065550131", "billing_address": {"site_id": "", "street": "230 W SAMPLE STREET", "unit": "", "city": "Bozeman", "zip": "59715", "state": "Montana"}, "items": [{"pid": "299", "charge_type": "mrc", "description": "10 Gbps", "cost_per": "99", "total_cost": "99", "quantity": "1"}], "terms_agreed_on": "2025-10-20 14:03:11"}','{"unknown_plans": ["10 Gbps"]}','714533',NULL,NULL,'[]',NULL,NULL,NULL,NULL,0,'2026-11-28 02:50:35.465279','2026-11-28 02:50:35.844052',NULL);
CREATE TABLE remote_systems (
	name VARCHAR(16) NOT NULL, 
	down_since DATETIME, 
	failures INTEGER NOT NULL, 
	next_probe_at DATETIME, 
	probe VARCHAR(80), 
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
INSERT INTO "service_plan_mappings" VALUES('+bondfee','Bond fee',172,1,'2026-11-28 02:49:47.126997');
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
COMMIT;
