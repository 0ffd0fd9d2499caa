"""The recipe of the shipped personaliser: folders of data come in, a personaliser folder and the
log of its making go out. `stages` says what is run, `make` runs it. It only calls the commands of
the other folders, which never import it.
"""
