//! The verbs: arguments, help text, rendering. One file each.

pub mod logout;
