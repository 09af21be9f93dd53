-- Where a waiting task belongs on its queue: its order, and the version of the workers that it is for. NULL: defaults.
ALTER TABLE wake ADD COLUMN waiting_place BLOB;
ALTER TABLE item ADD COLUMN waiting_place BLOB;
