import pytest

from indexer.kustomize.valueadd import insert_path_part


@pytest.mark.parametrize(
    ("path", "position", "expected"),
    [
        ("", 0, "PEACH"),
        ("/", 5, "/PEACH"),
        ("pie", 0, "PEACH/pie"),
        ("/pie", 0, "/PEACH/pie"),
        ("raw", 1, "raw/PEACH"),
        ("/raw", 9, "/raw/PEACH"),
        ("a/nice/warm/pie", 3, "a/nice/warm/PEACH/pie"),
        ("/a/nice/warm/pie", 3, "/a/nice/warm/PEACH/pie"),
    ],
)
def test_a_part_is_put_into_a_path(path: str, position: int, expected: str) -> None:
    assert insert_path_part(path, position, "PEACH") == expected
