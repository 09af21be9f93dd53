-- CRC32C of a row, key included, as a signed 32-bit number: a row that was changed by anything but this program is noticed
-- where it is read. Filled in by the program (`sum.rs`); NULL is no valid sum.
ALTER TABLE namespace ADD COLUMN sum INTEGER;
ALTER TABLE record ADD COLUMN sum INTEGER;
ALTER TABLE state ADD COLUMN sum INTEGER;
ALTER TABLE wake ADD COLUMN sum INTEGER;
ALTER TABLE item ADD COLUMN sum INTEGER;
ALTER TABLE history ADD COLUMN sum INTEGER;
-- Of the columns that are written once, and of those that change with the run.
ALTER TABLE exec ADD COLUMN fixed_sum INTEGER;
ALTER TABLE exec ADD COLUMN sum INTEGER;
