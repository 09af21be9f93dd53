//! Aligned text.

use crate::printable::line;

/// Space between columns.
const GAP: &str = "  ";

/// Rows under a header, each column as wide as its widest cell. Cells are one line each.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with only its header.
    pub fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// Adds a row at the end.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| line(cell).into_owned()).collect());
    }

    /// Whether there is nothing under the header.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// The text, each line ended by a newline.
    pub fn render(&self) -> String {
        aligned(&self.rows)
    }
}

/// `name  value` lines with aligned values; entries without a value (`""` or `-`) are left out.
pub fn properties(entries: &[(&str, String)]) -> String {
    let rows: Vec<Vec<String>> = entries
        .iter()
        .filter(|(_, value)| !value.is_empty() && value != "-")
        .map(|(name, value)| vec![line(name).into_owned(), line(value).into_owned()])
        .collect();
    aligned(&rows)
}

/// `text` moved two spaces to the right.
pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// At most `width` characters, the last one `…` if any was cut; line breaks become spaces.
pub fn shortened(text: &str, width: usize) -> String {
    let line = text.replace(['\n', '\r'], " ");
    if line.chars().count() <= width {
        return line;
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|column| width(rows, column)).collect();
    rows.iter().map(|row| row_line(row, &widths)).collect()
}

fn width(rows: &[Vec<String>], column: usize) -> usize {
    rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
}

fn row_line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    format!("{}\n", cells.join(GAP).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["STATUS", "ID", "TYPE"]);
        assert!(table.is_empty());
        table.row(vec!["Running".into(), "größe".into(), "A".into()]);
        table.row(vec!["Failed".into(), "x".into(), "Order".into()]);
        assert!(!table.is_empty());
        let expected = "\
STATUS   ID     TYPE
Running  größe  A
Failed   x      Order
";
        assert_eq!(table.render(), expected);
    }

    #[test]
    fn properties_without_a_value_are_left_out() {
        let text = properties(&[
            ("Id", "a".into()),
            ("Closed", "-".into()),
            ("Task queue", "q".into()),
            ("Memo", String::new()),
        ]);
        assert_eq!(text, "Id          a\nTask queue  q\n");
        assert_eq!(indented(&text), "  Id          a\n  Task queue  q\n");
    }

    #[test]
    fn a_cell_is_one_line_whatever_it_holds() {
        let mut table = Table::new(&["ID", "TYPE"]);
        table.row(vec!["a\nFailed  \u{1b}[31mb".into(), "W".into()]);
        assert_eq!(table.render(), "ID                      TYPE\na\\nFailed  \\u001b[31mb  W\n");
        assert_eq!(properties(&[("Id", "a\nStatus  x".into())]), "Id  a\\nStatus  x\n");
    }

    #[test]
    fn long_text_is_cut_to_one_line() {
        assert_eq!(shortened("a\nb", 5), "a b");
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
