"""``.fluxidx.toml``: what is read, and what is refused with its line."""

import pytest

from indexer.flux.config import Config, ConfigError
from indexer.git.remotes import Forge


def load(tmp_path, text):
    (tmp_path / ".fluxidx.toml").write_text(text)
    return Config.load(root=tmp_path)


def test_without_a_file_nothing_is_configured(tmp_path):
    assert Config.load(root=tmp_path) == Config()


def test_reads_every_key(tmp_path):
    config = load(
        tmp_path,
        '[[cluster]]\nname = "prod"\nentry = ["a.yaml"]\nobjects = ["o.yaml"]\ncontext = "c"\n'
        'substitute = {A = "1"}\nstrict = false\nkubernetes = "1.34"\napi_versions = ["example.org/v1"]\n'
        '[[source]]\nurl = "https://x/y"\npath = "../y"\n[forges]\n"git.example.org" = "gitlab"\n',
    )
    (cluster,) = config.clusters
    assert (cluster.name, cluster.entry, cluster.objects) == ("prod", ("a.yaml",), (tmp_path / "o.yaml",))
    assert (cluster.context, dict(cluster.substitute), cluster.strict) == ("c", {"A": "1"}, False)
    assert (cluster.kubernetes, cluster.api_versions) == ("1.34", ("example.org/v1",))
    assert [(source.url, source.path) for source in config.sources] == [("https://x/y", tmp_path / "../y")]
    assert config.forges == {"git.example.org": Forge.GITLAB}


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    config = load(tmp_path, '[[source]]\nurl = "https://x/y"\npath = "~/.cache/helm/repository"\n')
    assert str(config.sources[0].path) == "/home/ada/.cache/helm/repository"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x = 1", 1, 'unknown key "x": use one of cluster, source, forges'),
        ('[[cluster]]\nname = "a"\nentries = []\n', 3, 'unknown key "entries"'),
        ('[[cluster]]\nname = "a"\n[[cluster]]\nname = "a"\n', 4, 'two clusters "a"'),
        ('[[cluster]]\nentry = ["a"]\n', 1, '"name" of [[cluster]] has to be a text'),
        ('[[cluster]]\nname = "a"\nentry = "b"\n', 3, '"entry" has to be a list of texts'),
        ('[[cluster]]\nname = "a"\nsubstitute = {A = 1}\n', 3, '"substitute" has to be a table of texts'),
        ('[[cluster]]\nname = "a"\nstrict = "no"\n', 3, '"strict" has to be true or false'),
        ('[[cluster]]\nname = "a"\nkubernetes = 1.34\n', 3, '"kubernetes" has to be a version in a text'),
        ('[[cluster]]\nname = "a"\nkubernetes = "new"\n', 3, '"kubernetes" has to be a version in a text'),
        ('[[source]]\nurl = "u"\n', 1, '"path" of [[source]] has to be a text'),
        ('[[source]]\nurl = "u"\npath = "~nobody-at-all/x"\n', 3, '"path" begins with the home folder of nobody'),
        ('[forges]\n"h" = "svn"\n', 2, '"svn" is no known forge'),
        ('[cluster]\nname = "a"\n', 1, "write [[cluster]]"),
        ('a = 1\nb = [\n"x\n', 3, "is not TOML"),
    ],
)
def test_refuses(tmp_path, text, line, message):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/.fluxidx.toml:{line}: ")


def test_a_named_file_has_to_be_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.load(tmp_path / "none.toml")
