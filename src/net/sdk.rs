//! The AWS SDK's requests on the one client: its roots, proxy, limits and deadline hold there too.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::{Client, Request};
use crate::error::{Error, Result};

/// The SDK's transport. Its errors are our [`Error`], found again with [`error_in`].
#[derive(Clone)]
pub struct SdkTransport(pub Client);

impl std::fmt::Debug for SdkTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SdkTransport")
    }
}

impl HttpConnector for SdkTransport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            send(&client, request).await.map_err(|error| ConnectorError::other(Box::new(error), None))
        })
    }
}

impl HttpClient for SdkTransport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

async fn send(client: &Client, request: HttpRequest) -> Result<HttpResponse> {
    let bad = |why: String| Error::network("sdk", format!("the request cannot be sent: {why}"));
    let (parts, body) = request.try_into_http1x().map_err(|error| bad(error.to_string()))?.into_parts();
    let url = parts.uri.to_string().parse().map_err(|_| bad("its address is not a URL".to_owned()))?;
    let body = body.bytes().ok_or_else(|| bad("its body is a stream".to_owned()))?.to_vec();
    let answer = client.send(Request { method: parts.method, url, headers: parts.headers, body }).await?;
    let status = answer.status.try_into().map_err(|_| bad("the status is out of range".to_owned()))?;
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
    for (name, value) in &answer.headers {
        if let Ok(value) = value.to_str() {
            let _ = response.headers_mut().try_append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(response)
}

/// Our own error inside an SDK error, if the transport failed.
#[must_use]
pub fn error_in(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(ours) = cause.downcast_ref::<Error>() {
            return Some(ours.clone());
        }
        next = cause.source();
    }
    None
}
