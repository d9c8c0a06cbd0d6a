//! Windows: whether an access list lets in the owner and nobody else. Here, so that it is tested where the tests run.

/// The account that stands for whoever owns the object (`OWNER RIGHTS`), as `icacls` takes it.
#[cfg(windows)]
pub(super) const OWNER: &str = "*S-1-3-4";

/// The one access list, in SDDL, in what `icacls /save` wrote: UTF-16, a line with the name, a line with the list.
pub(super) fn list_in(saved: &[u8]) -> Option<String> {
    let units = saved.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(u16::from_le_bytes);
    let text = String::from_utf16(&units.collect::<Vec<_>>()).ok()?;
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [_name, list] => Some((*list).to_owned()),
        _ => None,
    }
}

/// Whether the list says: nothing inherited from above, one entry, and that one grants the owner everything, here and below.
/// Everything else is no.
///
/// Source: MS-DTYP 2.5.1 (SDDL), 2.4.2.4 (`OW` is S-1-3-4).
pub(super) fn is_owners_alone(list: &str) -> bool {
    // D:<flags>(<type>;<flags>;<rights>;;;<account>); the flag P says that nothing is inherited. A system list (S:) may
    // follow: it says what is logged, and lets nobody in.
    let Some((flags, entry)) = list.strip_prefix("D:").and_then(|rest| rest.split_once('(')) else {
        return false;
    };
    let (entry, rest) = entry.split_once(')').unwrap_or_default();
    let entry: Vec<&str> = entry.split(';').collect();
    matches!(flags, "P" | "PAI" | "PAR" | "PARAI")
        && (rest.is_empty() || rest.starts_with("S:"))
        && matches!(entry.as_slice(), ["A", "OICI" | "CIOI", "FA" | "0x1f01ff", "", "", "OW" | "S-1-3-4"])
}

#[cfg(test)]
mod tests {
    use super::{is_owners_alone, list_in};

    fn saved(list: &str) -> Vec<u8> {
        format!("jobpass-7-1-build-0\r\n{list}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn the_owner_and_nobody_else() {
        for list in [
            "D:PAI(A;OICI;FA;;;OW)",
            "D:P(A;OICI;FA;;;OW)",
            "D:PAI(A;OICI;0x1f01ff;;;S-1-3-4)",
            "D:PAI(A;OICI;FA;;;OW)S:AINO_ACCESS_CONTROL",
        ] {
            assert!(list_in(&saved(list)).is_some_and(|list| is_owners_alone(&list)), "{list}");
        }
    }

    #[test]
    fn anybody_else_and_anything_unknown_is_refused() {
        for list in [
            "D:AI(A;OICI;FA;;;OW)",
            "D:AI(A;OICIID;FA;;;OW)",
            "D:PAI(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)",
            "D:PAI(A;OICI;FA;;;WD)",
            "D:PAI(A;OICI;FR;;;OW)",
            "D:PAI(A;;FA;;;OW)",
            "D:PAI(D;OICI;FA;;;OW)",
            "D:PAI(A;OICI;FA;;;OW",
            "D:PAI(A;OICI;FA;;;OW)D:(A;;FA;;;WD)",
            "S:(AU;SA;FA;;;WD)",
            "D:PNO_ACCESS_CONTROLS:(A;OICI;FA;;;OW)",
            "D:PAI(XA;OICI;FA;;;OW;(x))",
            "D:NO_ACCESS_CONTROL",
            "D:P",
            "D:",
            "",
            "D:PAI(A;OICI;FA;;;OW)\r\nother\r\nD:PAI(A;OICI;FA;;;OW)",
        ] {
            assert!(!list_in(&saved(list)).is_some_and(|list| is_owners_alone(&list)), "{list}");
        }
        assert_eq!(list_in(b""), None);
        assert_eq!(list_in(b"D:PAI(A;OICI;FA;;;OW)"), None, "not UTF-16");
        assert_eq!(list_in(&[0x00, 0xd8]), None, "half a pair");
    }
}
