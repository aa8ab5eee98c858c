BAR = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: bar\n"
API = "apiVersion: v1\ndata:\n  env: {env}\n  mode: fast\nkind: ConfigMap\nmetadata:\n  name: api\n  namespace: bar\n"


def test_a_directory_is_built_as_kustomize_builds_it(fleet) -> None:
    done = fleet.run("render", "dir", "flux/apps/staging")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{BAR}---\n{API.format(env='${ENV}')}"


def test_a_directory_needs_no_repository(fleet, tmp_path) -> None:
    (tmp_path / "kustomization.yaml").write_text("namespace: x\nresources: [cm.yaml]\n")
    (tmp_path / "cm.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n")
    done = fleet.run("render", "dir", cwd=tmp_path)
    assert done.stdout == "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: x\n"


def test_output_goes_to_a_file(fleet, tmp_path) -> None:
    done = fleet.run("render", "dir", "flux/apps/staging", "-o", str(tmp_path / "out.yaml"))
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "out.yaml").read_text().startswith(BAR)


def test_a_failed_build_is_one_line_of_kustomize(fleet) -> None:
    done = fleet.run("render", "dir", "flux")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustom")
    assert done.stderr.endswith(f"\nno kustomization file in {fleet.root}/flux: add one, or list its files\n")


def test_a_directory_that_is_not_there_is_named_as_the_file_system_has_it(fleet) -> None:
    done = fleet.run("render", "dir", "flux/nowhere")
    assert done.returncode == 1
    assert done.stderr.endswith(f"\n{fleet.root}/flux/nowhere does not exist: create it or correct the entry\n")


def test_a_failed_build_names_the_line(fleet) -> None:
    fleet.write("flux/typo/kustomization.yaml", "resources:\n- ../apps/staging\nfoo: x\n")
    done = fleet.run("render", "dir", "flux/typo")
    assert done.stderr == (
        'Error: invalid Kustomization: json: unknown field "foo"\n'
        f"{fleet.root}/flux/typo/kustomization.yaml:3:6: unknown field 'foo'\n"
    )


def test_files_outside_the_directory_are_for_those_who_allow_it(fleet) -> None:
    (fleet.root / "flux/outside").mkdir()
    (fleet.root / "flux/outside/kustomization.yaml").write_text("resources: [../apps/staging/namespace.yaml]\n")
    refused = fleet.run("render", "dir", "flux/outside")
    assert refused.returncode == 1
    assert "is not in or below" in refused.stderr
    allowed = fleet.run("render", "dir", "flux/outside", "--load-restrictor", "LoadRestrictionsNone")
    assert allowed.stdout == BAR


def test_the_order_is_as_asked(fleet) -> None:
    listed = fleet.run("render", "dir", "flux/apps/staging", "--reorder", "none")
    assert listed.stdout == f"{API.format(env='${ENV}')}---\n{BAR}"


def test_options_that_would_run_programs_have_no_effect_and_say_so(fleet) -> None:
    done = fleet.run("render", "dir", "flux/apps/staging", "--enable-exec", "-e", "A=b")
    assert done.returncode == 0
    assert "--enable-exec has no effect: nothing that a repository names is ever run" in done.stderr
    assert "--env has no effect" in done.stderr


def test_a_unit_is_what_the_controller_applies(fleet) -> None:
    done = fleet.run("render", "unit", "ks/flux-system/apps")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{API.format(env='staging')}---\n{BAR}spec: {{}}\n"


def test_an_unknown_unit_is_one_message(fleet) -> None:
    done = fleet.run("render", "unit", "ks/flux-system/app")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "fluxidx: there is no unit ks/flux-system/app in this repository: fluxidx units lists them\n"


def test_an_object_is_rendered_alone(fleet) -> None:
    done = fleet.run("render", "object", "cm/api", "-q")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("kind: ") == 1
    assert "  mode: fast\n" in done.stdout


def test_the_options_of_every_command_may_stand_before_the_subcommand(fleet) -> None:
    after = fleet.run("render", "unit", "ks/flux-system/apps", "--repo", str(fleet.root))
    assert after.returncode == 0
    before = fleet.run("render", "--repo", str(fleet.root), "unit", "ks/flux-system/apps")
    assert before.stdout == after.stdout
    assert fleet.run("render", "--cluster", "nowhere", "unit", "ks/flux-system/apps").returncode == 2


def test_what_goes_to_another_cluster_is_rendered_for_it(fleet) -> None:
    file = "clusters/a-flux-cluster/apps.yaml"
    text = (fleet.root / file).read_text()
    fleet.write(file, text.replace("  prune: true\n", "  kubeConfig: {secretRef: {name: spoke}}\n  prune: true\n"))
    spoke = "a-flux-cluster/flux-system/spoke"
    for cluster in ([], ["--cluster", spoke]):
        done = fleet.run("render", "object", "ns/bar", "-q", *cluster)
        assert (done.returncode, done.stdout) == (0, f"{BAR}spec: {{}}\n")
    for name in ("a-flux-cluster", spoke):
        assert fleet.run("render", "unit", "ks/flux-system/apps", "--cluster", name).returncode == 0
