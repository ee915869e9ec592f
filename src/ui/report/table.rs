//! Simple aligned columns: no frames, so that they can be read, copied and cut.
//!
//! Widths are those that a terminal shows, for wide and combining characters too. The last column is
//! never padded. Cells are sanitised here, so that no agent's text can leave its cell.

use super::plain;
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// Rows under a head.
#[derive(Debug, Clone, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// In green: what is well.
    pub fn good(text: impl Into<String>) -> Cell {
        Cell::from(text.into()).styled(AnsiColor::Green.on_default())
    }

    /// In red: what is not.
    pub fn bad(text: impl Into<String>) -> Cell {
        Cell::from(text.into()).styled(AnsiColor::Red.on_default())
    }

    /// In yellow: what waits.
    pub fn pending(text: impl Into<String>) -> Cell {
        Cell::from(text.into()).styled(AnsiColor::Yellow.on_default())
    }

    /// Aligned to the right: a number.
    pub fn number(text: impl Into<String>) -> Cell {
        Cell { right: true, ..Cell::from(text.into()) }
    }

    fn styled(self, style: Style) -> Cell {
        Cell { style, ..self }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        // A cell has one line.
        let text = plain(&text.into()).replace(['\n', '\t'], " ");
        Cell { text, style: Style::new(), right: false }
    }
}

impl Table {
    pub fn new<const N: usize>(head: [&str; N]) -> Table {
        Table { head: head.map(str::to_uppercase).to_vec(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.to_vec());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, a line per row, with colours that [`super::out`] takes out where unwanted.
    pub fn render(&self) -> String {
        let widths = self.widths();
        let head: Vec<Cell> =
            self.head.iter().map(|text| Cell::from(text.as_str()).styled(Style::new().bold())).collect();
        let mut out = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let padding = " ".repeat(width.saturating_sub(console::measure_text_width(&cell.text)));
                let (before, after) =
                    if cell.right { (padding, String::new()) } else { (String::new(), padding) };
                // Writing to a String cannot fail.
                let _ = write!(line, "{before}{}{}{:#}{after}  ", cell.style, cell.text, cell.style);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// Per column, the width of its widest cell.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|text| console::measure_text_width(text)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(console::measure_text_width(&cell.text));
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Table};

    #[test]
    fn columns_line_up_as_a_terminal_shows_them() {
        let mut table = Table::new(["task", "n", "note"]);
        table.row(["漢字".into(), Cell::number("7"), "ok".into()]);
        table.row(["abcdef".into(), Cell::number("123"), "two\nlines \u{1b}[2J".into()]);
        let text = anstream::adapter::strip_str(&table.render()).to_string();
        assert_eq!(text, "TASK    N    NOTE\n漢字      7  ok\nabcdef  123  two lines ␛[2J\n");
    }
}
