"""Errors that say whose fault it was and whether the thing happened.

Every error that a person can meet derives from :class:`LabError` and carries one clear sentence:
what is wrong, why, and what to do. The command line prints that sentence and never a traceback.

* *local*: we, or the code we run, broke a rule (:class:`ContractError`).
* *remote*: somebody on the other side of a wire did (:class:`RemoteProtocolError`).
* *input*: a person gave us something that cannot be used (:class:`BadInput`).
* *disk*: what was stored is not what comes back (:class:`CorruptStorage`).
* *machine*: something that this machine lacks (:class:`MissingTool`).
"""


class LabError(Exception):
    """Base of all errors whose text is meant for a person.

    Attributes:
        exit_code: what the ``lab`` command returns to the shell when this error ends it: 1 for
            code that is wrong, 3 for input that cannot be used, 4 for something that this machine
            lacks. (0 is yes, 1 is no, 2 is unknown: what checkers answer.)
    """

    exit_code = 3


class ContractError(LabError):
    """A protocol class broke the contract; the text names the place and says what to do instead."""

    exit_code = 1


class RemoteProtocolError(LabError):
    """The other side sent something that the protocol does not allow.

    Definite: the frame in question had no effect. The connection it came on is closed; the node
    lives on.
    """


class BadInput(LabError):
    """A file, an option or a name that a person gave cannot be used."""


class CorruptStorage(LabError):
    """Stored bytes fail their checksum before the last record; the text names file and offset."""


class MissingTool(LabError):
    """This machine lacks something; the text says what, why it is needed, and what else to do."""

    exit_code = 4
