//! Lists in pages: reads all objects of a kind, keeps the rows that a tool makes of them, sorts them, and hands out as many as fit into
//! the budget, with a cursor for the rest. For lists that are sorted by something the API server does not sort by.

use portcullis_plugin::kubernetes::{ListRequest, Target};
use serde_json::{Map, Value};

use crate::answer::{Answer, BUDGET};
use crate::call::Call;
use crate::cursor::Cursor;
use crate::json::{list, text};
use crate::problem::Problem;
use crate::text::table;

/// Objects per request.
const PAGE: u32 = 250;
/// Pages that one call reads at most; beyond them the answer says that it is incomplete.
const PAGES_MAX: usize = 20;
/// What the surroundings of the rows take of the budget, in characters.
const SURROUNDINGS: usize = 1_500;

/// One row: what it is sorted by (unique), its JSON, its cells.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) structured: Value,
    pub(crate) cells: Vec<String>,
}

/// All rows of a list, before they are cut into pages.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    /// Whether there was more than one call reads.
    pub(crate) incomplete: bool,
}

/// How to cut.
#[derive(Debug)]
pub(crate) struct Cut<'a> {
    /// What the cursor is bound to.
    pub(crate) query: String,
    pub(crate) cursor: Option<&'a str>,
    pub(crate) limit: usize,
    /// Sorts by key from the greatest down.
    pub(crate) descending: bool,
}

/// The rows of one answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) next: Option<String>,
    pub(crate) incomplete: bool,
}

/// Reads every page of a list.
pub(crate) fn read(
    call: &Call<'_>,
    target: &Target,
    fields: Option<&str>,
    row: &dyn Fn(&Value) -> Option<Row>,
) -> Result<Rows, Problem> {
    let mut out = Rows::default();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let mut request: ListRequest = target.clone().list().limit(PAGE).after(after);
        request.options.field_selector = fields.map(Into::into);
        let page = call.list(&request)?;
        out.rows.extend(list(&page, "/items").iter().filter_map(row));
        after = text(&page, "/metadata/continue").map(Into::into);
        if after.is_none() {
            return Ok(out);
        }
    }
    out.incomplete = true;
    Ok(out)
}

/// Sorts, goes on after the cursor, and takes what fits.
pub(crate) fn cut(rows: Rows, how: &Cut<'_>) -> Result<Page, Problem> {
    let start = how.cursor.map(|text| Cursor::decode(text, &how.query)).transpose()?.map(|cursor| cursor.after);
    let mut all = rows.rows;
    all.sort_by(|a, b| if how.descending { b.key.cmp(&a.key) } else { a.key.cmp(&b.key) });
    if let Some(start) = start {
        all.retain(|row| if how.descending { row.key < start } else { row.key > start });
    }
    let (mut size, mut taken) = (0, 0);
    for row in all.iter().take(how.limit) {
        size += row.structured.to_string().len().max(row.cells.iter().map(|one| one.len() + 3).sum()) + 1;
        if size > BUDGET - SURROUNDINGS && taken > 0 {
            break;
        }
        taken += 1;
    }
    let more = all.len() > taken;
    all.truncate(taken);
    let last = all.last().filter(|_| more).map(|row| Cursor { page: String::new(), after: row.key.clone() });
    Ok(Page { rows: all, next: last.map(|cursor| cursor.encode(&how.query)), incomplete: rows.incomplete })
}

impl Page {
    /// The answer: `key` names the list in the JSON; `title` is what stands above the table, or in its place when it is empty.
    pub(crate) fn answer(&self, key: &str, title: &str, header: &[&str], mut structured: Map<String, Value>) -> Answer {
        let cells: Vec<Vec<String>> = self.rows.iter().map(|row| row.cells.clone()).collect();
        let mut text = format!("{title}\n");
        if !cells.is_empty() {
            text.push_str(&format!("\n{}", table(header, &cells)));
        }
        if self.incomplete {
            text.push_str(&format!("\nOnly the first {} objects were looked at: narrow it down.\n", PAGES_MAX * PAGE as usize));
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("\nThere are more: repeat the call with `cursor: \"{next}\"`.\n"));
        }
        structured.insert(key.into(), self.rows.iter().map(|row| row.structured.clone()).collect());
        structured.insert("count".into(), self.rows.len().into());
        structured.insert("next_cursor".into(), self.next.clone().into());
        structured.insert("incomplete".into(), self.incomplete.into());
        Answer::new(text, structured.into())
    }
}
