//! Latency, log and faults: what lies between a client and the stand-ins.

use std::time::Instant;

use super::*;

async fn get(running: &Running, base: &str) -> Result<reqwest::Response, reqwest::Error> {
    client(running).get(format!("{base}/github/token")).send().await
}

const LATENCY: Duration = Duration::from_millis(60);

/// How many latencies an exchange took. Work on this machine costs less than one.
fn trips(since: Instant) -> u128 {
    since.elapsed().as_millis() / LATENCY.as_millis()
}

#[tokio::test]
async fn a_new_tls_connection_costs_three_round_trips_and_an_open_one_costs_one() {
    let running = started(Options { latency: LATENCY, ..Options::default() }).await;
    let client = client(&running);
    let ask =
        async |base: &str| client.get(format!("{base}/github/token")).send().await.unwrap().bytes().await.unwrap();
    for (base, expected) in [(running.https_url(), 3), (running.http_url(), 2)] {
        let start = Instant::now();
        ask(&base).await;
        assert_eq!(trips(start), expected, "{base}, a new connection");
        let start = Instant::now();
        ask(&base).await;
        assert_eq!(trips(start), 1, "{base}, the same connection");
    }
}

#[tokio::test]
async fn the_log_tells_the_order_of_connections_and_answers() {
    let running = usual().await;
    get(&running, &running.https_url()).await.unwrap();
    get(&running, &running.http_url()).await.unwrap();
    let log = running.log();
    let seen: Vec<_> = log.iter().map(|entry| (entry.connection, entry.event, entry.scheme, entry.status)).collect();
    assert_eq!(
        seen,
        [
            (1, Event::Accepted, "https", 0),
            (1, Event::Received, "https", 0),
            (1, Event::Answered, "https", 401),
            (2, Event::Accepted, "http", 0),
            (2, Event::Received, "http", 0),
            (2, Event::Answered, "http", 401),
        ]
    );
    assert!(log.is_sorted_by_key(|entry| entry.at));
    assert_eq!(log[1].path, "/github/token");
    assert!(log[1].host.starts_with("localhost:"));
}

#[tokio::test]
async fn no_secret_reaches_the_log() {
    let running = usual().await;
    let all = running.plain_variables(Runner::Github).unwrap();
    let url =
        format!("{}&audience=a&x=secret", all.iter().find(|(n, _)| n == "ACTIONS_ID_TOKEN_REQUEST_URL").unwrap().1);
    let bearer = &all.iter().find(|(n, _)| n == "ACTIONS_ID_TOKEN_REQUEST_TOKEN").unwrap().1;
    let body = client(&running).get(url).bearer_auth(bearer).send().await.unwrap().text().await.unwrap();
    let log = serde_json::to_string(&running.log()).unwrap();
    for secret in [bearer.as_str(), parsed(&body)["value"].as_str().unwrap(), "secret"] {
        assert!(!log.contains(secret));
    }
    assert!(log.contains("audience=a"));
}

#[tokio::test]
async fn status_faults_strike_as_often_as_asked() {
    let running =
        with_faults(&["github:503x1", "github:429=7x1", "github:pendingx1", "github:redirect=http://127.0.0.1:9/x1"])
            .await;
    let base = running.https_url();
    assert_eq!(get(&running, &base).await.unwrap().status(), 503);
    let limited = get(&running, &base).await.unwrap();
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    let pending = get(&running, &base).await.unwrap();
    assert_eq!(pending.status(), 403);
    assert!(pending.text().await.unwrap().contains("Can't issue ID_TOKEN for job in 'Pending' state"));
    let redirect = get(&running, &base).await.unwrap();
    assert_eq!(
        (redirect.status().as_u16(), redirect.headers()["location"].to_str().unwrap()),
        (307, "http://127.0.0.1:9/")
    );
    assert_eq!(get(&running, &base).await.unwrap().status(), 401, "and then as usual");
}

#[tokio::test]
async fn vendors_errors_have_the_vendors_form() {
    let running = with_faults(&[
        "aws:error=Throttling",
        "gcp-sts:error=quota_exceeded",
        "gcp-iam:error=UNAVAILABLE",
        "azure:error=AADSTS700213",
    ])
    .await;
    let (status, body) = post(&running, "/aws", &[]).await;
    assert!(status == 400 && body.contains("<Code>Throttling</Code>"), "{status} {body}");
    let (status, body) = post(&running, "/gcp/sts/v1/token", &[]).await;
    assert_eq!((status, parsed(&body)["error"].as_str()), (429, Some("quota_exceeded")));
    let (status, body) =
        post(&running, "/gcp/iamcredentials/v1/projects/-/serviceAccounts/a:generateAccessToken", &[]).await;
    assert_eq!((status, parsed(&body)["error"]["status"].as_str()), (503, Some("UNAVAILABLE")));
    let (status, body) = post(&running, "/t/oauth2/v2.0/token", &[]).await;
    assert_eq!((status, parsed(&body)["error_codes"][0].as_i64()), (401, Some(700_213)));
}

#[tokio::test]
async fn broken_connections_and_bodies() {
    for fault in ["github:reset", "github:truncate"] {
        let running = with_faults(&[fault]).await;
        let broken = match get(&running, &running.https_url()).await {
            Err(_) => true,
            Ok(answer) => answer.bytes().await.is_err(),
        };
        assert!(broken, "{fault}");
    }
    let running = with_faults(&["github:garbage"]).await;
    let body = get(&running, &running.https_url()).await.unwrap().bytes().await.unwrap();
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    let running = with_faults(&["github:endless"]).await;
    let mut answer = get(&running, &running.https_url()).await.unwrap();
    let mut bytes = 0;
    while bytes < 10_000_000 {
        bytes += answer.chunk().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn silence_at_every_stage() {
    for (fault, headers) in
        [("github:hang", false), ("github:hang-body", true), ("github:drip", true), ("tls:hang-tls", false)]
    {
        let running = with_faults(&[fault]).await;
        let base = running.https_url();
        let outcome = tokio::time::timeout(Duration::from_millis(400), async {
            let answer = get(&running, &base).await;
            let headers = answer.is_ok();
            (
                headers,
                tokio::time::timeout(Duration::from_millis(200), async { answer.unwrap().bytes().await }).await.is_ok(),
            )
        })
        .await;
        match outcome {
            Ok((got, whole)) => assert!(headers && got && !whole, "{fault}"),
            Err(_) => assert!(!headers, "{fault}"),
        }
    }
}

#[tokio::test]
async fn certificates_of_nobody_and_of_somebody_else() {
    for (fault, word) in [("tls:badcertx1", "UnknownIssuer"), ("tls:wrongnamex1", "NotValidForName")] {
        let running = with_faults(&[fault]).await;
        let error = format!("{:?}", get(&running, &running.https_url()).await.unwrap_err());
        assert!(error.contains(word), "{fault}: {error}");
        assert_eq!(get(&running, &running.https_url()).await.unwrap().status(), 401, "and then as usual");
    }
}

#[tokio::test]
async fn dropping_it_closes_the_listeners_and_the_connections() {
    let running = usual().await;
    let (base, client) = (running.http_url(), client(&running));
    client.get(format!("{base}/github/token")).send().await.unwrap();
    drop(running);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(client.get(format!("{base}/github/token")).send().await.is_err());
}

#[tokio::test]
async fn unknown_paths_and_long_bodies() {
    let running = usual().await;
    assert_eq!(post(&running, "/nothing/here", &[]).await.0, 404);
    let long = client(&running).post(format!("{}/aws", running.http_url())).body("a".repeat(300_000)).send().await;
    assert!(long.is_err() || long.unwrap().status().as_u16() >= 400);
}
