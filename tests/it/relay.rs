//! What stands between a job and the sandbox: a relay that keeps every answer, so that a test knows each secret that was
//! issued; and stand-ins that answer what no cloud sends.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::job::Sandbox;

/// Passes bytes on in both directions and keeps what the sandbox answered.
pub(crate) struct Relay {
    /// The job's variables, with the relay in the sandbox's place.
    pub(crate) variables: BTreeMap<String, String>,
    answered: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    pub(crate) fn before(sandbox: &Sandbox) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let upstream = sandbox.http.trim_start_matches("http://").to_owned();
        let answered = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&answered);
        // It ends with the tests: nobody waits for it.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&upstream) else { continue };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pass_on(from, to, None));
                let kept = Arc::clone(&kept);
                thread::spawn(move || pass_on(server, client, Some(&kept)));
            }
        });
        let variables = sandbox.variables.iter();
        let variables = variables.map(|(name, value)| (name.clone(), value.replace(&sandbox.https, &own))).collect();
        Relay { variables, answered }
    }

    /// Everything secret that is known by now: the runner's bearer, every ID token with its signature, all that was issued.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.answered.lock().unwrap()).into_owned();
        let mut all = vec![self.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"].clone()];
        for (before, after) in [
            ("\"value\":\"", '"'),
            ("\"access_token\":\"", '"'),
            ("\"accessToken\":\"", '"'),
            ("\"token\":\"", '"'),
            ("<SecretAccessKey>", '<'),
            ("<SessionToken>", '<'),
        ] {
            let found = text.split(before).skip(1).filter_map(|rest| rest.split(after).next());
            all.extend(found.map(str::to_owned));
        }
        let signatures: Vec<String> = all
            .iter()
            .filter(|one| one.starts_with("eyJ"))
            .filter_map(|jwt| jwt.rsplit('.').next())
            .map(str::to_owned)
            .collect();
        all.extend(signatures);
        all.sort();
        all.dedup();
        assert!(all.iter().all(|secret| secret.len() >= 16), "too short to be searched for: {all:?}");
        all
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, kept: Option<&Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if let Some(kept) = kept {
            kept.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Every way in which a text could show the secret: itself, base64 at three shifts, hexadecimal, percent-encoded.
pub(crate) fn disguises(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned()];
    for shift in 0..3 {
        let bytes = [&b"..."[..shift], secret.as_bytes()].concat();
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            // The first and the last characters depend on what stands around the secret.
            all.push(encoded[[0, 2, 3][shift]..encoded.len() - 1].to_owned());
        }
    }
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    all.extend([hex.to_uppercase(), hex]);
    let percent = |b: u8| {
        if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }
    };
    all.push(secret.bytes().map(percent).collect());
    all
}

/// Fails when a secret stands in `text`, in any disguise. `place` is for the reader.
pub(crate) fn assert_clean(text: &str, secrets: &[String], place: &str) {
    for (number, secret) in secrets.iter().enumerate() {
        for disguise in disguises(secret) {
            if let Some(at) = text.find(&disguise) {
                let line = text[..at].matches('\n').count() + 1;
                panic!("{place}: secret {number} ({}…) stands in line {line} of:\n{text}", &secret[..6]);
            }
        }
    }
}

/// Answers every request with what `answer` makes of it (status and body); plain http on loopback.
pub(crate) fn stand_in(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || serve(client, &*answer));
        }
    });
    url
}

fn serve(mut client: TcpStream, answer: &dyn Fn(&str) -> (u16, String)) -> Option<()> {
    loop {
        let mut request = Vec::new();
        let mut buffer = [0; 8 * 1024];
        loop {
            let text = String::from_utf8_lossy(&request);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
                });
                if body.len() >= length.unwrap_or(0) {
                    break;
                }
            }
            let count = client.read(&mut buffer).ok().filter(|count| *count > 0)?;
            request.extend_from_slice(&buffer[..count]);
        }
        let (status, body) = answer(&String::from_utf8_lossy(&request));
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", body.len());
        client.write_all(head.as_bytes()).and_then(|()| client.write_all(body.as_bytes())).ok()?;
    }
}
