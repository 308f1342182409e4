"""The lab ``netem`` for real: Docker, network namespaces, and tc netem inside user-mode Linux."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from fcntl import LOCK_EX, flock
from math import comb
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
import yaml

from common.values.errors import MissingTool
from common.values.units import MS
from stage1_foundations.netem import experiment
from stage1_foundations.netem.__main__ import TERMINATED
from stage1_foundations.netem.containers import DOCKERFILE, IMAGE, LABEL, Containers, connect
from stage1_foundations.netem.experiment import Answer, Findings
from stage1_foundations.netem.namespaces import Namespaces
from stage1_foundations.netem.networks import measure, part
from stage1_foundations.netem.shape import Shape
from tests.support.base_image import make_available

ROOT = Path(__file__).resolve().parents[2]
NODES = ("n1", "n2", "n3")
SIDES = (("n1", "n3"), ("n2",))
SHAPE = Shape(delay=50 * MS, jitter=10 * MS, loss=0.05)
BLUE_MOON = 1e-6
"""How seldom a measurement on a network that is as configured may fail its test."""


def binomial_bounds(trials: int, probability: float) -> tuple[int, int]:
    """The least and the greatest number of hits that is not rarer than once in a blue moon."""
    chances = [
        comb(trials, hits) * probability**hits * (1 - probability) ** (trials - hits)
        for hits in range(trials + 1)
    ]
    likely = [
        hits
        for hits in range(trials + 1)
        if sum(chances[: hits + 1]) > BLUE_MOON and sum(chances[hits:]) > BLUE_MOON
    ]
    return likely[0], likely[-1]


def check(findings: Findings) -> None:
    """Measured round trips are those that were configured, on a machine that may be busy."""
    shape, summary = findings.shape, findings.summary
    least, median = 2 * (shape.delay - shape.jitter), 2 * shape.delay
    assert least - 1 * MS <= summary.least <= median
    assert median - 5 * MS <= summary.median <= median + 5 * MS + findings.overhead
    fewest, most = binomial_bounds(summary.count, 1 - (1 - shape.loss) ** 2)
    assert fewest <= summary.late <= most, f"{summary.late} of {summary.count} were late"


def check_parting(answers: list[Answer]) -> None:
    """The first node got an answer whenever it should, and from nobody across the partition."""
    assert [(answer.when, answer.target, answer.outcome) for answer in answers] == [
        ("before", "n2", "ok"),
        ("before", "n3", "ok"),
        ("during", "n2", "unknown"),
        ("during", "n3", "ok"),
        ("after", "n2", "ok"),
        ("after", "n3", "ok"),
    ]


def check_shape_or_refusal(cluster: experiment.Cluster, world: str) -> None:
    """Where the kernel has netem it does as it is told; where not, the sentence says so."""
    refusal = ""
    try:
        cluster.shape(SHAPE)
    except MissingTool as error:
        refusal = str(error)
    if refusal:
        for part_of_it in ("no netem", "--world uml", "--world links"):
            assert part_of_it in refusal
    else:
        check(experiment.measure(cluster, world, SHAPE, 300))


@pytest.fixture
def docker() -> Iterator[Any]:
    """The engine, with the base image of the nodes."""
    with open(Path(gettempdir()) / "lab-netem-tests.lock", "w") as turn:
        flock(turn, LOCK_EX)  # they look at what containers there are: one after the other
        client = connect()
        make_available("python:3.11-slim", client)
        yield client
        client.close()
        gc.collect()  # the SDK leaves sockets to the garbage collector: not in somebody else's test


def of_this_lab(docker: Any) -> set[str]:
    mine = {"label": f"{LABEL}=netem"}
    containers = docker.containers.list(all=True, filters=mine)
    return {thing.name for thing in (*containers, *docker.networks.list(filters=mine))}


@pytest.mark.needs("docker")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_containers_answer_are_parted_and_healed_and_leave_nothing_behind(docker: Any) -> None:
    before = of_this_lab(docker)
    with Containers(NODES) as cluster:
        made = of_this_lab(docker) - before
        assert len(made) == len(NODES) + 1, "a container for each node, and a network"
        check_parting(experiment.part(cluster, SIDES, by_tc=False))
        check_shape_or_refusal(cluster, "docker")
    assert not made & of_this_lab(docker)


@pytest.mark.needs("docker")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_containers_leave_nothing_behind_when_an_experiment_fails(docker: Any) -> None:
    before = of_this_lab(docker)
    made: set[str] = set()

    def failing_experiment() -> None:
        with Containers(("n1",)):
            made.update(of_this_lab(docker) - before)
            raise RuntimeError("the experiment failed")

    with pytest.raises(RuntimeError, match="the experiment failed"):
        failing_experiment()
    assert made
    assert not made & of_this_lab(docker)


@pytest.mark.needs("docker")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_command_that_is_told_to_end_leaves_nothing_behind(docker: Any) -> None:
    before = of_this_lab(docker)
    command = (sys.executable, "-m", "stage1_foundations.netem", "part", "--world", "docker")
    started = {"label": f"{LABEL}=netem", "event": "start"}
    with closing(docker.events(decode=True, filters=started)) as events:
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            next(events)
            process.terminate()
        assert process.returncode == TERMINATED
    assert of_this_lab(docker) == before


@pytest.mark.needs("root", "ip")
def test_namespaces_are_parted_and_healed_and_leave_nothing_behind() -> None:
    with Namespaces(NODES) as cluster:
        check_parting(experiment.part(cluster, SIDES, by_tc=False))
        check_shape_or_refusal(cluster, "namespaces")
        prefix = cluster.prefix
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    assert prefix not in left.stdout


@contextmanager
def where_it_comes_up() -> Iterator[None]:
    """Debian's user-mode Linux panics on processors that are newer than it: then it says so."""
    refusal = ""
    try:
        yield
    except MissingTool as error:
        refusal = str(error)
    if refusal:
        for part_of_it in ("does not come up on this machine (Kernel panic", "--world links"):
            assert part_of_it in refusal
        pytest.skip(refusal)


@pytest.mark.needs("uml", "ip")
def test_netem_in_user_mode_linux_delays_and_loses_as_configured() -> None:
    with where_it_comes_up():
        check(measure("uml", SHAPE, 300))


@pytest.mark.needs("uml", "ip")
def test_netem_in_user_mode_linux_parts_and_heals() -> None:
    with where_it_comes_up():
        check_parting(part("uml", NODES, SIDES, by_tc=True))


def test_the_fault_layer_gives_the_same_lesson_anywhere() -> None:
    check(measure("links", SHAPE, 300))
    check_parting(part("links", NODES, SIDES, by_tc=False))


def test_the_simulator_gives_the_same_lesson_exactly() -> None:
    findings = measure("sim", SHAPE, 1000)
    check(findings)
    assert [judged.result for judged in findings.judgements] == ["yes", "yes"]
    assert findings == measure("sim", SHAPE, 1000), "twice the same seed, twice the same times"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param(
            ["measure", "--world", "docker"],
            4,
            "no Docker engine answers",
            marks=pytest.mark.needs("docker_sdk"),
        ),
        (
            ["measure", "--world", "sim", "--delay", "1ms", "--jitter", "2ms"],
            3,
            "at most the delay",
        ),
        (["measure", "--world", "sim", "--loss", "most"], 3, "'most' is no probability"),
        (["measure", "--world", "sim", "--count", "0"], 3, "--count 0"),
        (["measure", "--world", "sim", "--loss", "99%", "--count", "20"], 3, "less loss"),
        (["part", "--world", "links", "--side", "n1,n9"], 3, "'n9' is none of the nodes"),
        (["part", "--world", "sim"], 3, "no packets to drop"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, sentence: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    refused(code, sentence, *arguments)


def test_without_the_docker_sdk_it_is_said_what_to_install_and_where_else_the_lesson_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = "import sys\nsys.modules['docker'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hidden, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    refused(4, "pip install docker; the same lesson runs in", "measure", "--world", "docker")


def refused(code: int, sentence: str, *arguments: str) -> None:
    """The command says no, in one sentence."""
    command = [sys.executable, "-m", "stage1_foundations.netem", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr


def test_the_compose_file_makes_the_same_nodes() -> None:
    folder = ROOT / "stage1_foundations" / "netem"
    compose = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    assert sorted(compose["services"]) == list(NODES)
    for service in compose["services"].values():
        assert service["image"] == IMAGE
        assert service["cap_add"] == ["NET_ADMIN"]
        assert (folder / service["build"]["context"]).resolve() == ROOT
        assert service["build"]["dockerfile"] == DOCKERFILE
