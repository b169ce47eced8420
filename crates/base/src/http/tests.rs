//! The client against servers of a few lines on loopback.

use super::*;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that answers each request by `answer(request)`; counts nothing, keeps nothing.
async fn server(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            converse(socket, &answer).await;
        }
    });
    addr
}

/// Reads one request, with its body, and answers it.
async fn converse(mut socket: impl AsyncRead + AsyncWrite + Unpin, answer: impl Fn(&str) -> String) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => break,
        }
    }
    let head = String::from_utf8_lossy(&request).to_lowercase();
    let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if socket.read_exact(&mut body).await.is_ok() {
        request.extend(body);
    }
    let text = answer(&String::from_utf8_lossy(&request));
    let _ = socket.write_all(text.as_bytes()).await;
    let _ = socket.shutdown().await;
}

/// A server with a certificate of its own making, and that certificate.
async fn tls_server() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            if let Ok(socket) = acceptor.accept(socket).await {
                converse(socket, |_| ok("secret place")).await;
            }
        }
    });
    (addr, made.cert.pem())
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn found(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

async fn get(client: &HttpClient, url: &str) -> Result<String, HttpError> {
    let url = Url::parse(url).unwrap();
    let response = client.send(client.request(reqwest::Method::GET, &url, false)?.bearer_auth("secret")).await?;
    Ok(String::from_utf8_lossy(&read_bounded(response, 100).await?).into_owned())
}

#[tokio::test]
async fn loopback_answers_only_when_allowed() {
    let addr = server(|_| ok("hello")).await;
    let open = HttpClient::new(Egress::local()).unwrap();
    assert_eq!(get(&open, &format!("http://{addr}/")).await.unwrap(), "hello");
    assert_eq!(get(&open, &format!("http://localhost:{}/", addr.port())).await.unwrap(), "hello");
    let shut = HttpClient::new(Egress::default()).unwrap();
    let err = get(&shut, &format!("http://{addr}/")).await.unwrap_err();
    assert_eq!(err.to_string(), "`127.0.0.1` is this machine: add it to `egress.allow` to reach it");
    let bare = shut.get(false).get(format!("http://localhost:{}/", addr.port())).send().await.unwrap_err();
    assert!(matches!(HttpError::from(bare), HttpError::Refused(Refused::Loopback { .. })), "the resolver refuses by itself");
}

#[tokio::test]
async fn each_hop_of_a_redirect_is_judged_and_loses_the_credential() {
    let inner = server(|request| ok(if request.contains("secret") { "leaked" } else { "clean" })).await;
    let hop = server(move |request| match request.split(' ').nth(1).unwrap() {
        "/meta" => found("http://169.254.169.254/latest"),
        "/loop" => found("/loop"),
        "/file" => found("file:///etc/passwd"),
        _ => found(&format!("http://{inner}/")),
    })
    .await;
    let client = HttpClient::new(Egress::local()).unwrap();
    assert_eq!(get(&client, &format!("http://{hop}/away")).await.unwrap(), "clean");
    let refused = get(&client, &format!("http://{hop}/meta")).await.unwrap_err();
    assert!(matches!(refused, HttpError::Refused(Refused::Never { .. })), "{refused}");
    let endless = get(&client, &format!("http://{hop}/loop")).await.unwrap_err();
    assert!(matches!(endless, HttpError::Redirects { .. }), "{endless}");
    assert_eq!(get(&client, &format!("http://{hop}/file")).await.unwrap_or_default(), "", "other schemes are not followed");
    client.add_own(inner);
    let own = get(&client, &format!("http://{hop}/away")).await.unwrap_err();
    assert!(matches!(own, HttpError::Refused(Refused::Own { .. })), "{own}");
}

/// A server that tells what it was asked: the request line, the headers but the usual ones, the body.
async fn mirror() -> SocketAddr {
    let usual = ["host:", "accept:", "accept-encoding:", "user-agent:", "content-length:"];
    server(move |request| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let headers = head.lines().filter(|line| !usual.iter().any(|name| line.to_lowercase().starts_with(name)));
        ok(&[headers.collect::<Vec<_>>().join(" | "), body.to_owned()].join(" | "))
    })
    .await
}

fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nconnection: close\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// Sends a request with a credential, a header of one's own and a body, and says what arrived at its end.
async fn arrives(method: reqwest::Method, first: SocketAddr, path: &str) -> String {
    let client = HttpClient::new(Egress::local()).unwrap();
    let url = Url::parse(&format!("http://{first}{path}")).unwrap();
    let mut request = client.request(method.clone(), &url, false).unwrap();
    request = request.bearer_auth("secret").header("private-token", "mine").header("accept", "text/plain");
    if method != reqwest::Method::GET && method != reqwest::Method::DELETE {
        request = request.body("pack");
    }
    let response = client.send(request).await.unwrap();
    let status = response.status().as_u16();
    format!("{status} {}", response.text().await.unwrap()).trim_end_matches([' ', '|']).to_owned()
}

#[tokio::test]
async fn what_was_meant_for_one_server_is_not_handed_to_another() {
    use reqwest::Method;
    let other = mirror().await;
    // The same origin with its own redirects: `/here/STATUS` stays, `/away/STATUS` leads to the other one.
    let hop = server(move |request| {
        let path = request.split(' ').nth(1).unwrap().to_owned();
        let status = path.rsplit('/').next().and_then(|it| it.parse().ok());
        match (status, path.starts_with("/away")) {
            (Some(status), true) => redirect(status, &format!("http://{other}/there")),
            (Some(status), false) => redirect(status, "/there"),
            _ => ok(&format!(
                "{} {} {}",
                request.split(' ').next().unwrap(),
                if request.contains("secret") && request.contains("mine") { "as I am" } else { "bare" },
                if request.ends_with("pack") { "with the body" } else { "" }
            )),
        }
    })
    .await;
    let table = [
        (Method::GET, "/here/302", "200 GET as I am"),
        (Method::GET, "/here/308", "200 GET as I am"),
        (Method::POST, "/here/301", "200 GET as I am"),
        (Method::PUT, "/here/302", "200 GET as I am"),
        (Method::POST, "/here/303", "200 GET as I am"),
        (Method::POST, "/here/307", "200 POST as I am with the body"),
        (Method::PATCH, "/here/308", "200 PATCH as I am with the body"),
        (Method::GET, "/away/302", "200 GET /there HTTP/1.1"),
        (Method::GET, "/away/307", "200 GET /there HTTP/1.1"),
        (Method::POST, "/away/303", "200 GET /there HTTP/1.1"),
        (Method::POST, "/away/307", "307"),
        (Method::PUT, "/away/308", "308"),
        (Method::DELETE, "/away/308", "308"),
    ];
    for (method, path, expected) in table {
        assert_eq!(arrives(method.clone(), hop, path).await, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_request_that_is_sent_plainly_is_never_redirected() {
    let other = mirror().await;
    let hop = server(move |_| redirect(307, &format!("http://{other}/there"))).await;
    let client = HttpClient::new(Egress::local()).unwrap();
    let url = Url::parse(&format!("http://{hop}/git-receive-pack")).unwrap();
    let response = client.request(reqwest::Method::POST, &url, false).unwrap().body("pack").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.url()), (307, &url));
}

#[tokio::test]
async fn a_name_on_our_own_port_is_judged_after_dns() {
    let shared = |own: &str| Shared {
        egress: RwLock::new(Egress { own: vec![own.parse().unwrap()], ..Egress::local() }),
        guarded: Mutex::default(),
        proxy_hosts: HashSet::new(),
    };
    let guard = shared("127.0.0.1:7000");
    let found = || ["127.0.0.1:0".parse().unwrap()].into_iter();
    assert!(guard.sift("rebind.example", found()).is_ok());
    guard.check(&Url::parse("http://rebind.example:7000/").unwrap()).unwrap();
    assert!(matches!(guard.sift("rebind.example", found()), Err(Refused::Own { .. })));
}

#[tokio::test]
async fn answers_are_bounded_and_errors_show_no_secret() {
    let addr = server(|_| ok(&"x".repeat(200))).await;
    let client = HttpClient::new(Egress::local()).unwrap();
    let err = get(&client, &format!("http://{addr}/a?token=1")).await.unwrap_err();
    assert_eq!(err.to_string(), format!("the answer of `http://{addr}/a?***` is longer than 100 bytes"));
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let err = get(&client, &format!("http://me:pw@{closed}/?token=1")).await.unwrap_err();
    assert!(matches!(err, HttpError::Connect { .. }) && err.never_sent(), "{err:?}");
    assert!(!err.to_string().contains("pw") && !err.to_string().contains("token"), "{err}");
}

#[tokio::test]
async fn certificates_are_checked_unless_told_otherwise() {
    let (addr, pem) = tls_server().await;
    let url = format!("https://127.0.0.1:{}/", addr.port());
    let plain = HttpClient::new(Egress::local()).unwrap();
    let err = get(&plain, &url).await.unwrap_err();
    assert!(matches!(err, HttpError::Tls { .. }) && err.to_string().contains("egress.caBundle"), "{err:?}");
    let trusting = plain.request(reqwest::Method::GET, &Url::parse(&url).unwrap(), true).unwrap().send().await.unwrap();
    assert_eq!(trusting.status(), 200);
    let bundled = HttpClient::new(Egress { ca_bundle: Some(pem.into_bytes()), ..Egress::local() }).unwrap();
    assert_eq!(get(&bundled, &url).await.unwrap(), "secret place");
}

#[tokio::test]
async fn proxies_are_used_where_they_should_be() {
    let proxy = server(|request| ok(if request.starts_with("GET http://far.example/") { "by proxy" } else { "odd" })).await;
    let direct = server(|_| ok("direct")).await;
    let proxies = |none: &str| Proxies { http: Some(format!("http://{proxy}")), none: none.to_owned(), ..Proxies::default() };
    let client =
        HttpClient::new(Egress { proxies: proxies(""), allow: vec!["127.0.0.1".to_owned()], ..Egress::default() }).unwrap();
    let far = Url::parse("http://far.example/").unwrap();
    let answer = client.request(reqwest::Method::GET, &far, false).unwrap().send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "by proxy");
    assert_eq!(get(&client, &format!("http://{direct}/")).await.unwrap(), "direct", "loopback goes without a proxy");
    assert!(client.check(&Url::parse("http://169.254.169.254/").unwrap()).is_err(), "a proxy is no way around the policy");
}

#[tokio::test]
async fn silence_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timeouts = Timeouts { idle: Duration::from_millis(50), ..Timeouts::default() };
    let client = HttpClient::with_timeouts(Egress::local(), &timeouts).unwrap();
    let err = get(&client, &format!("http://{}/", listener.local_addr().unwrap())).await.unwrap_err();
    assert!(matches!(err, HttpError::TimedOut { .. }) && err.next() == Next::Retry, "{err:?}");
}

#[test]
fn unusable_settings_are_named() {
    let bad = |egress: Egress| HttpClient::new(egress).unwrap_err().to_string();
    assert!(bad(Egress { allow: vec!["10.0.0.0/99".to_owned()], ..Egress::default() }).contains("egress.allow"));
    let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    assert!(bad(Egress { ca_bundle: Some(pem), ..Egress::default() }).contains("egress.caBundle"));
    let proxies = Proxies { https: Some("http://[bad".to_owned()), ..Proxies::default() };
    assert!(bad(Egress { proxies, ..Egress::default() }).contains("HTTPS_PROXY"));
}
