"""Read a checkpoint of LITE's authors or of ORBIT's program, with EfficientNet-B0.

    python -m training.import_checkpoint fully_trained.pt --out runs/lite.safetensors
    python -m training.export runs/lite.safetensors --out assets/lite
    python -m app --checkpoint assets/lite

Every tensor lands in our checkpoint or is named; only tensors are read, never code.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from model.errors import InputError
from model.nn.checkpoint import save_checkpoint
from training.import_checkpoint.reading import read
from training.settings import provenance
from training.settings.command_line import parser_for


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("file", type=Path, help="their .pt or .pth")
    parser.add_argument("--out", type=Path, required=True, help="our .safetensors")
    args = parser.parse_args(argv)
    try:
        imported = read(args.file)
        digest = hashlib.sha256(args.file.read_bytes()).hexdigest()
        about = {"imported": imported.layout.name, "file": args.file.name, "sha256": digest}
        args.out.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(args.out, imported.model, provenance.write(provenance.Run(others=about)))
    except InputError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{args.out} cannot be written: {error.strerror}.")
    print(
        f"wrote {args.out}: {imported.layout.name}; unused: {', '.join(imported.unused) or 'none'}"
    )


if __name__ == "__main__":
    main()
