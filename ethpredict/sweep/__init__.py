"""From axes to trials, from trials to stage ids and packs, with a ledger of what was planned."""
