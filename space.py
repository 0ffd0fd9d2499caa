"""What a Gradio host such as Hugging Face Spaces runs; README's first lines name it to the host."""

import sys

from app.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["serve", "--host", "0.0.0.0", *sys.argv[1:]]))
