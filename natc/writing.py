"""Writing files: whole or not at all."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


def replace_file(
    target: Path,
    text: str,
    before: os.stat_result | None = None,
    *,
    executable: bool = False,
    guarded: bool = False,
) -> None:
    """Put a file in the place of another one, or of none.

    Args:
        before: the file that is there, whose owner and mode the new one takes.
        guarded: nobody else may write it, whatever the umask.

    Raises:
        OSError: it cannot be written; the old file is as it was.
    """
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if before is None:
            mask = os.umask(0)
            os.umask(mask)
            mode = (0o777 if executable else 0o666) & ~(mask | 0o022 if guarded else mask)
        else:
            mode = stat.S_IMODE(before.st_mode)
            with suppress(PermissionError):  # Only root may give files away.
                os.chown(temporary, before.st_uid, before.st_gid)
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
