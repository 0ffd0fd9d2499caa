"""The command `python -m training.recipe`."""

from training.recipe.make import main

if __name__ == "__main__":
    main()
