//! Connections opened ahead of the request that needs them.
//!
//! The HTTP library opens a connection only for a request. This layer around its connector parks a connection that was opened
//! while the ID token was on its way, and hands it to the first request for the same origin. Which of the two a connect is
//! for travels in a task-local: the library hides the target of a connect from its layers.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

/// The parked connections by origin.
type Lot = Arc<Mutex<HashMap<String, Vec<Box<dyn Any + Send>>>>>;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
enum Purpose {
    Park(String),
    Use(String, Connecting),
}

/// Whether a request still waits for its connection: a timeout then names that phase.
#[derive(Clone, Default)]
pub(super) struct Connecting(Arc<AtomicBool>);

impl Connecting {
    /// True while the connection is being opened.
    pub(super) fn now(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, connecting: bool) {
        self.0.store(connecting, Ordering::Relaxed);
    }
}

tokio::task_local! {
    static PURPOSE: Purpose;
}

/// Runs a request whose connection is to be parked; the request itself ends unsent.
pub(super) async fn parking<F: Future>(origin: String, request: F) {
    PURPOSE.scope(Purpose::Park(origin), request).await;
}

/// Runs a request that takes a parked connection if there is one.
pub(super) async fn using<F: Future>(origin: String, connecting: Connecting, request: F) -> F::Output {
    PURPOSE.scope(Purpose::Use(origin, connecting), request).await
}

/// The layer; one per client.
#[derive(Clone, Default)]
pub(super) struct Parking(Lot);

impl<S> Layer<S> for Parking {
    type Service = ParkingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ParkingService { inner, lot: self.0.clone() }
    }
}

#[derive(Clone)]
pub(super) struct ParkingService<S> {
    inner: S,
    lot: Lot,
}

impl<S, R> Service<R> for ParkingService<S>
where
    S: Service<R, Error = Failure>,
    S::Response: Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let lot = self.lot.clone();
        match PURPOSE.try_with(Clone::clone) {
            Ok(Purpose::Use(origin, connecting)) => match take(&lot, &origin) {
                Some(connection) => Box::pin(std::future::ready(Ok(connection))),
                None => {
                    connecting.set(true);
                    let opening = self.inner.call(target);
                    Box::pin(async move {
                        let opened = opening.await;
                        connecting.set(false);
                        opened
                    })
                }
            },
            Ok(Purpose::Park(origin)) => {
                let connecting = self.inner.call(target);
                Box::pin(async move {
                    let connection = connecting.await?;
                    if let Ok(mut lot) = lot.lock() {
                        lot.entry(origin).or_default().push(Box::new(connection));
                    }
                    Err("parked for a later request".into())
                })
            }
            Err(_) => Box::pin(self.inner.call(target)),
        }
    }
}

fn take<C: 'static>(lot: &Lot, origin: &str) -> Option<C> {
    let parked = lot.lock().ok()?.get_mut(origin)?.pop()?;
    parked.downcast().ok().map(|connection| *connection)
}
