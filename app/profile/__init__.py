"""A profile: what one person taught, as one file that they keep.

A zip of `profile.json` and the kept frames, each a PNG of 224 pixels a side:

    profile.json                   {"format", "version", "things": [{"id", "name", "clips":
                                   [{"id", "frames"}]}], "foreign": [{"id", "frames"}], "settings"}
    frames/<id of a clip>/<n>.png

Nothing in it is code, no entry is named by a person, and nothing of it is written to disk under a
name that it gives. PNG loses nothing, so the model of an opened profile is the very same
(77 kB a frame; JPEG of quality 95 has 17 and changes single pixels by up to 69 levels). Embeddings
are left out: adapting again takes two seconds for 200 frames (and, in proportion, twenty for
2,000), features hold for one set of things and one personaliser only, and those of somebody else's
file could not be believed without computing them again. The same file, with one clip in it, is what
a browser keeps.
"""
