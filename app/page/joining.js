// Opening a profile beside what is taught, as app/profile/opening.py does it.

const [MERGE, RENAME] = ["merge", "rename"]; // what happens to a thing whose name another one has here

/** Names of the profile's things that other things have here: somebody must say what now, unless `same` does. */
export function clashes(taught, { things }, same) {
  if (same === MERGE || same === RENAME) return [];
  const ids = new Set(taught.things.map((thing) => thing.id));
  return things.filter((thing) => !ids.has(thing.id) && taught.named(thing.name)).map((thing) => thing.name);
}

/** What is taught, with the things and moments of a profile; clips that are here already stay as they are. */
export function join(taught, { things, foreign }, same) {
  const here = new Set(taught.present.map((clip) => clip.id));
  const gone = new Set(taught.removed.map((removed) => removed.thing?.id));
  const isNew = (clip) => !here.has(clip.id);
  let joined = taught;
  for (const { id, name, clips } of things) {
    const own = clips.filter(isNew);
    const other = joined.things.some((thing) => thing.id === id) ? null : joined.named(name);
    if (other && same === MERGE) joined = joined.extend(other.id, name, own);
    else joined = joined.extend(gone.has(id) && own.length ? `thing-${own[0].id}` : id, other ? free(joined, name) : name, own);
  }
  return foreign.filter(isNew).reduce((found, clip) => found.reject(clip), joined);
}

/** The name with the first number that makes it another one than is taught. */
function free(taught, name) {
  let number = 2;
  while (taught.named(`${name.slice(0, 96)} ${number}`)) number++;
  return `${name.slice(0, 96)} ${number}`;
}
