"""The shape of the code: imports point down only, and every route says whether it needs a login."""

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from app import create_app
from config import PROJECT
from sandbox import Sandbox
from tests.conftest import settings_for

LAYERS = [
    {"wsgi"},
    {"app"},
    {"app.cli"},
    {"app.console", "app.running"},
    {"app.channels", "app.morning"},
    {"app.alerts", "app.safekeeping"},
    {"app.setup"},
    {"app.callbacks", "app.texts"},
    {"app.aftercare"},
    {"app.digest", "app.lookups", "app.provisioning"},
    {"app.notices", "app.outgoing", "app.people"},
    {"app.services"},
    {"app.durable", "app.observability", "app.remote"},
    {"app.storage"},
    {"app.models", "app.version", "app.wording"},
    {"config", "powercode", "gunicorn_worker", "utopia"},
    {"config_values", "env_file", "wire"},
]
"""The rooms, from the top down. Each imports from those below it only, so no two of one layer know each other."""

CLIENTS = {"powercode", "utopia"}
WITHOUT_APP = {*CLIENTS, "wire"}
OURS = {
    "app",
    "config",
    "config_values",
    "env_file",
    "powercode",
    "gunicorn_worker",
    "utopia",
    "wire",
    "wsgi",
    "sandbox",
    "tests",
    "benchmarks",
}

TOP_FILES = [PROJECT / f"{name}.py" for name in ("wsgi", "config", "config_values", "env_file", "gunicorn_worker")]

PUBLIC_ROUTES = {
    "GET /",
    "GET /admin",
    "GET /admin/",
    "GET /admin/<path:_page>",
    "GET /console/",
    "GET /Console",
    "GET /Console/",
    "GET /api-callback",
    "PUT /api-callback",
    "PATCH /api-callback",
    "POST /api-callback",
    "POST /digest-source",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /static/<path:filename>",
    "GET /login",
    "POST /login",
    "GET /login/passkey",
    "POST /login/passkey",
}
"""What anybody may ask. A route that is added here was decided on by somebody."""


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def statements(of: ast.AST) -> Iterator[ast.AST]:
    """Every statement below; expressions are most of a file, and import nothing."""
    for child in ast.iter_child_nodes(of):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from statements(child)


@cache
def imported(path: Path) -> Sequence[str]:
    """Every module that a file imports, also inside functions; `from a import b` counts as `a.b`."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def area_of(module: str) -> str | None:
    """`app.provisioning` for `app.provisioning.steps.add_plan`; None for what is not ours."""
    top, *below = module.split(".")
    if top not in OURS:
        return None
    is_part = below and ((PROJECT / "app" / below[0]).is_dir() or (PROJECT / "app" / f"{below[0]}.py").is_file())
    return f"app.{below[0]}" if top == "app" and is_part else top


def layer_of(area: str) -> int:
    found = [number for number, areas in enumerate(LAYERS) if area in areas]
    assert len(found) == 1, f"{area} is in {len(found)} layers: decide on the one where it belongs, in LAYERS"
    return found[0]


def not_below(path: Path) -> list[str]:
    """The rooms that a file imports and that are not below its own."""
    here = area_of(name_of(path)) or ""
    areas = {area for module in imported(path) if (area := area_of(module)) is not None}
    return [area for area in areas - {here} if layer_of(area) <= layer_of(here)]


def test_imports_point_down_only() -> None:
    found = {name_of(path): not_below(path) for path in (*TOP_FILES, *sources("app", *WITHOUT_APP))}

    assert {module: areas for module, areas in found.items() if areas} == {}


def test_app_has_four_loose_files_and_no_more() -> None:
    loose = {path.stem for path in (PROJECT / "app").glob("*.py")}

    assert loose == {"__init__", "services", "version"}


@pytest.mark.parametrize("path", sources(*WITHOUT_APP), ids=name_of)
def test_a_client_package_needs_the_one_that_speaks_http_and_nothing_else_of_ours(path: Path) -> None:
    own = path.relative_to(PROJECT).parts[0]
    modules = {module.split(".")[0] for module in imported(path)}

    assert modules & (OURS - {own, "wire"}) == set()
    assert modules & {"flask", "werkzeug", "sqlalchemy", "dbos"} == set()


def test_notices_are_told_about_orders_and_know_nothing_of_them() -> None:
    knows = {module for path in sources("app/notices") for module in imported(path)}

    assert [module for module in knows if module.startswith("app.provisioning") or module.startswith("utopia")] == []


def test_only_the_engines_own_files_know_its_library() -> None:
    knows = {
        name_of(path) for path in sources("app", *WITHOUT_APP) if any(m.split(".")[0] == "dbos" for m in imported(path))
    }

    assert knows == {"app.durable.dispatching", "app.durable.engine", "app.durable.work_queue"}


def test_http_goes_out_by_one_door() -> None:
    senders = {"requests", "urllib3", "http.client", "urllib.request"}
    knows = [
        name_of(path) for path in sources("app", *CLIENTS) if any(m.startswith(tuple(senders)) for m in imported(path))
    ]

    assert knows == ["powercode.certificates"], "send by `wire`; certificates only compares names, with urllib3"


def test_the_service_is_never_told_that_it_talks_to_a_sandbox() -> None:
    shipped = [*sources("app", *WITHOUT_APP), *TOP_FILES]
    not_shipped = {"sandbox", "tests", "benchmarks"}
    knows = [name_of(path) for path in shipped if not_shipped & {module.split(".")[0] for module in imported(path)}]

    assert knows == []


def test_gunicorns_first_process_gets_its_worker_without_the_application() -> None:
    ours = {module.split(".")[0] for module in imported(PROJECT / "gunicorn_worker.py")} & OURS

    assert ours == set()


def test_the_settings_know_no_flask() -> None:
    assert not {"flask", "app"} & {module.split(".")[0] for module in imported(PROJECT / "config.py")}


PURE = [PROJECT / "app" / "provisioning" / "plans" / "mapping.py", *sources("app/provisioning/matching", "app/wording")]


@pytest.mark.parametrize("pure", PURE, ids=name_of)
def test_decisions_are_pure_functions(pure: Path) -> None:
    modules = {module.split(".")[0] for module in imported(pure)}

    assert modules & {"sqlalchemy", "flask", "requests", "dbos", "config"} == set()


def test_the_tables_do_no_input_and_output() -> None:
    modules = {module for path in sources("app/models") for module in imported(path)}

    assert {area for module in modules if (area := area_of(module)) is not None} == {"app.models"}


def test_every_route_is_public_by_decision_or_asks_for_a_login(sandbox: Sandbox, tmp_path: Path) -> None:
    app = create_app(settings_for(sandbox, tmp_path))
    routes = {
        f"{method} {rule.rule}": rule
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    client = app.test_client()

    assert set(routes) >= PUBLIC_ROUTES
    for name in set(routes) - PUBLIC_ROUTES:
        rule = routes[name]
        with app.test_request_context():
            path = rule.build(dict.fromkeys(rule.arguments, "1"))[1]
        answer = client.open(path, method=name.split()[0])
        asks = answer.status_code in (401, 403) or answer.headers.get("Location", "").startswith("/login")
        assert asks, f"{name} answers {answer.status_code} to anybody: require a login, or add it to PUBLIC_ROUTES"
