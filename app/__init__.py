"""The service. `create_app` wires it together, and does nothing else."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import console, services
from app.callbacks.api_callback import callbacks
from app.callbacks.report_uploads import report_uploads
from app.running.health import health
from app.running.serving import answering_in_time
from app.setup.settings_in_use import SettingsInUse
from config import Settings


def create_app(settings: Settings, *, with_commands: bool = True) -> Flask:
    """The Flask application with its services and commands; nothing is connected or started yet."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = settings.secret_key.get_secret_value()
    app.extensions["services"] = services.build(app, settings)
    app.extensions["settings_in_use"] = SettingsInUse(settings)
    app.register_blueprint(health)
    if settings.role != "worker":
        app.register_blueprint(callbacks)
        app.register_blueprint(report_uploads)
        console.register(app, settings.public_address)
    if with_commands:
        from app.cli import register_commands  # noqa: PLC0415 - 40 ms of a start, for what a server never uses

        register_commands(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.wsgi_app = answering_in_time(app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app
