import pytest

from indexer.kustomize.defaults_references import VAR_REFERENCES
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.factory import resources_from
from indexer.kustomize.kustomization import VAR
from indexer.kustomize.nodes import find
from indexer.kustomize.record import decode
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.vars import Var, bind_vars, resolve_vars
from indexer.manifest.compose import parse
from indexer.manifest.node import Role, Sequence
from indexer.manifest.scalars import to_data

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{port: 5432}], ratio: 1.50, open: true}
---
"""


def variables(text: str) -> list[Var]:
    node = parse(text.encode(), "kustomization.yaml")[0].node
    assert isinstance(node, Sequence)
    return [Var.from_record(decode(item, VAR)) for item in node.items]


NAME = "- {name: NAME, objref: {apiVersion: v1, kind: Service, name: db}}\n"


def var(name: str, path: str) -> str:
    target = "objref: {apiVersion: v1, kind: Service, name: db}"
    return f'- {{name: {name}, {target}, fieldref: {{fieldPath: "{path}"}}}}\n'


def resolved(objects: str, declared: str) -> tuple[ResMap, list[str]]:
    resmap = ResMap(resources_from(parse((SERVICE + objects).encode(), "r.yaml")))
    found = variables(declared)
    bind_vars(resmap, found)
    return resmap, resolve_vars(resmap, found, VAR_REFERENCES)


def expanded(args: str, declared: str = NAME + var("PORT", "spec.ports[0].port")) -> object:
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, args: {args}}}]}}"
    resmap, _ = resolved(pod, declared)
    return to_data(resmap.resources[1].root)["spec"]["containers"][0]["args"]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(NAME)", "db"),
        ("http://$(NAME):$(PORT)/", "http://db:5432/"),
        ("$$(NAME)", "$(NAME)"),
        ("$$$(NAME)", "$db"),
        ("$(UNKNOWN)-$(NAME)", "$(UNKNOWN)-db"),
        ("$(NAME", "$(NAME"),
        ("$NAME $? $", "$NAME $? $"),
        ("$(A$(NAME))", "$(A$(NAME))"),
        ("$(PORT)", 5432),
        ("$(PORT)0", "54320"),
    ],
)
def test_expansion(text: str, result: object) -> None:
    assert expanded(f"['{text}']") == [result]


@pytest.mark.parametrize(("path", "value"), [("spec.ratio", 1.5), ("spec.open", True), ("metadata.name", "db")])
def test_a_field_that_is_one_reference_takes_the_type_of_the_value(path: str, value: object) -> None:
    assert expanded("['$(V)', 'x$(V)']", var("V", path))[0] == value  # type: ignore[index]


def test_labels_and_annotations_of_every_kind_are_expanded() -> None:
    resmap, warnings = resolved("kind: Any\nmetadata: {name: a, labels: {l: $(NAME)}, annotations: {a: x}}", NAME)
    assert to_data(resmap.resources[1].root)["metadata"]["labels"] == {"l": "db"}
    assert warnings == []


def test_a_var_that_nothing_uses_is_a_warning() -> None:
    assert resolved("", NAME + var("B", "spec.open"))[1] == ["well-defined vars that were never replaced: B,NAME"]


def test_an_argument_that_is_no_string_is_refused() -> None:
    with pytest.raises(KustomizeError, match="invalid value type expect a string"):
        expanded("[5]")


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (
            "- {name: A, objref: {apiVersion: apps/v1, kind: Deployment, name: x}}",
            "var '{A Deployment.v1.apps {metadata.name}}' cannot be mapped to a field in the set of known resources",
        ),
        (
            var("A", "spec.none"),
            "field specified in var '{A Service.v1.[noGrp] {spec.none}}' not found in corresponding resource",
        ),
    ],
)
def test_a_var_without_value_is_an_error(declared: str, message: str) -> None:
    with pytest.raises(KustomizeError) as error:
        resolved("", declared)
    assert str(error.value) == message


def test_a_var_that_fits_two_objects_is_an_error() -> None:
    with pytest.raises(KustomizeError) as error:
        resolved("apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: other}", NAME)
    assert str(error.value) == "found 2 resId matches for var {NAME Service.v1.[noGrp] {}} (unable to disambiguate)"


def test_the_new_text_stands_where_the_value_is_written() -> None:
    resmap, _ = resolved("kind: Any\nmetadata: {name: a, labels: {l: $(NAME)}}", NAME)
    label = find(resmap.resources[1].root, "metadata", "labels", "l")
    assert label is not None
    assert label.span == find(resmap.resources[0].root, "metadata", "name").span  # type: ignore[union-attr]
    assert label.op is not None
    assert (label.op.role, label.op.name, str(label.op.entry)) == (Role.REPLACES, "vars", "kustomization.yaml:1:3")
    assert label.prev is not None
    assert str(label.prev.span) == "r.yaml:8:33"
