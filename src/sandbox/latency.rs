//! A link with a round trip time: bytes from the client become visible one latency after they arrived.
//!
//! The first of a connection cost one more, for TCP's own handshake. So a request over a new TLS 1.3 connection costs three
//! latencies (TCP, TLS, request) and one over an open connection costs one, as over a real link of that round trip time.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// As much as is read ahead at once, in bytes.
const CHUNK: usize = 16 * 1024;
/// No more than this waits in the queue, in bytes; beyond it TCP's own flow control holds the client.
const QUEUED: usize = 1024 * 1024;

pub(super) struct Delayed {
    inner: TcpStream,
    latency: Duration,
    first: bool,
    queue: VecDeque<(Instant, Vec<u8>)>,
    queued: usize,
    /// The client has closed its side, or the connection broke: told after what is queued.
    end: Option<io::Result<()>>,
    sleep: Pin<Box<Sleep>>,
}

impl Delayed {
    pub(super) fn new(inner: TcpStream, latency: Duration) -> Self {
        let sleep = Box::pin(sleep_until(Instant::now()));
        Delayed { inner, latency, first: true, queue: VecDeque::new(), queued: 0, end: None, sleep }
    }

    /// Takes in whatever has arrived, each burst with the moment it may be seen.
    fn fill(&mut self, context: &mut Context<'_>) {
        let mut chunk = vec![0; CHUNK];
        while self.end.is_none() && self.queued < QUEUED {
            let mut buffer = ReadBuf::new(&mut chunk);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(Err(error)) => self.end = Some(Err(error)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.end = Some(Ok(())),
                Poll::Ready(Ok(())) => {
                    let trips = if std::mem::take(&mut self.first) { 2 } else { 1 };
                    self.queued += buffer.filled().len();
                    self.queue.push_back((Instant::now() + self.latency * trips, buffer.filled().to_vec()));
                }
            }
        }
    }
}

impl AsyncRead for Delayed {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.latency.is_zero() {
            return Pin::new(&mut this.inner).poll_read(context, out);
        }
        this.fill(context);
        let Some((visible, bytes)) = this.queue.front_mut() else {
            return match this.end.take() {
                Some(end) => {
                    this.end = Some(Ok(()));
                    Poll::Ready(end)
                }
                None => Poll::Pending,
            };
        };
        if *visible > Instant::now() {
            this.sleep.as_mut().reset(*visible);
            ready!(this.sleep.as_mut().poll(context));
        }
        let count = bytes.len().min(out.remaining());
        out.put_slice(bytes.get(..count).unwrap_or_default());
        bytes.drain(..count);
        this.queued -= count;
        if bytes.is_empty() {
            this.queue.pop_front();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Delayed {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}
