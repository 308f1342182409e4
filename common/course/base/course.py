"""The course: its stages and labs. Nothing else knows how they are found."""

from functools import cached_property
from pathlib import Path

from common.course.base.kept import Kept
from common.course.base.lab import Lab, Stage
from common.course.base.located import Located
from common.course.base.manifest import StageEntry
from common.course.base.room import NAME as LAB_FILE
from common.course.base.room import read_lab
from common.values.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]
"""The course repository."""

STAGE_FILE = "stage.yaml"


class Course:
    """All stages with their labs. A lab is read when it is asked for.

    Args:
        root: the repository; each folder directly below it that has a ``stage.yaml`` is a stage.

    Raises:
        BadInput: a stage's manifest cannot be read, or names a lab that is not there.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.stages = sorted(
            (_read_stage(path) for path in root.glob(f"*/{STAGE_FILE}")),
            key=lambda stage: stage.number,
        )
        self.packages = tuple(stage.folder for stage in self.stages)
        """The names of the stages' folders: all code of labs is imported from below them."""
        self._stage_of: dict[str, Stage] = {}
        for stage in self.stages:
            for number, id in enumerate(stage.labs):
                if id in self._stage_of:
                    located = Located(root / stage.folder / STAGE_FILE)
                    raise located.error(f"there is a lab {id} already", "labs", number)
                self._stage_of[id] = stage
        rooms = [f"{stage.folder}/{id}" for id, stage in self._stage_of.items()]
        self._kept = Kept(root, rooms)
        self._labs: dict[str, Lab] | None = None
        self._is_news = False

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all labs, in the order of the course."""
        return tuple(self._stage_of)

    @cached_property
    def labs(self) -> list[Lab]:
        """All labs, in the order of the course.

        Raises:
            BadInput: a lab's manifest is wrong; the text names the line.
        """
        labs = [self.lab(id) for id in self.ids]
        if self._is_news:  # read from the files: what was kept does not hold any more
            self._kept.write(labs)
        return labs

    def lab(self, id: str) -> Lab:
        """The lab with this id.

        Raises:
            BadInput: there is none, and the text lists those that there are; or its manifest is
                wrong.
        """
        if id not in self._stage_of:
            known = ", ".join(self.ids) or "none yet"
            raise BadInput(f"there is no lab {id!r}; the labs are: {known}")
        if self._labs is None:
            self._labs = self._kept.read()
        if id not in self._labs:
            self._is_news = True
            earlier = self.ids[: self.ids.index(id)]
            self._labs[id] = read_lab(self.root, self._stage_of[id], id, earlier)
        return self._labs[id]

    def suite_of(self, id: str) -> Path:
        """The folder of a lab's graded suite, without reading the lab."""
        return self.root / "tests" / self._stage_of[id].folder / id

    def is_of_lab(self, module: str) -> bool:
        """Whether a module, given its full name, is code of a lab."""
        package, _, rest = module.partition(".")
        return bool(rest) and package in self.packages

    def stage_of(self, lab: Lab) -> Stage:
        """The stage that a lab belongs to."""
        return self._stage_of[lab.id]

    def room_of(self, lab: Lab) -> Path:
        """The folder of a lab."""
        return self.root / lab.folder


def _read_stage(path: Path) -> Stage:
    located = Located(path)
    entry = located.decode(StageEntry)
    rooms = {room.parent.name for room in path.parent.glob(f"*/{LAB_FILE}")}
    for number, id in enumerate(entry.labs):
        if id not in rooms:
            what = f"there is no {id}/{LAB_FILE} beside it"
            raise located.error(what, "labs", number)
    if unlisted := sorted(rooms - set(entry.labs)):
        raise located.error(f"it does not list the lab {unlisted[0]}, which is there", "labs")
    return Stage(
        number=entry.number,
        title=entry.title,
        summary=entry.summary,
        labs=entry.labs,
        folder=path.parent.name,
        best=entry.best,
    )
