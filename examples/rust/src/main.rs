//! Five calls of ucal from Rust: list, create, update one instance, watch with resume, error
//! details.
//!
//! `cargo run -- ADDRESS CONNECTION`

use std::collections::HashSet;
use std::time::Duration;

use prost_types::Timestamp;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use ucal::v1 as api;
use ucal::v1::event_service_client::EventServiceClient;
use ucal::v1::watch_events_response::Message;
use ucal::v1::watch_service_client::WatchServiceClient;

#[allow(clippy::all, clippy::pedantic)]
mod google {
    pub mod rpc {
        include!("../gen/google.rpc.rs");
    }
    pub mod r#type {
        include!("../gen/google.type.rs");
    }
}
#[allow(clippy::all, clippy::pedantic)]
mod ucal {
    pub mod v1 {
        include!("../gen/ucal.v1.rs");
    }
}

type Failure = Box<dyn std::error::Error>;
type Events = EventServiceClient<Channel>;

/// 2027-03-01T08:00:00Z.
const MONDAY: i64 = 1_803_888_000;
const HOUR: i64 = 3600;

fn instant(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

fn month() -> Option<api::TimeRange> {
    Some(api::TimeRange {
        start_at: Some(instant(MONDAY)),
        end_at: Some(instant(MONDAY + 31 * 24 * HOUR)),
    })
}

/// An instant, planned in a zone: a series keeps its wall time there.
fn berlin(seconds: i64) -> Option<api::EventTime> {
    Some(api::EventTime {
        value: Some(api::event_time::Value::Timestamp(instant(seconds))),
        time_zone: "Europe/Berlin".into(),
    })
}

/// Reads all pages.
async fn list(events: &mut Events, connection: &str) -> Result<Vec<api::Event>, Status> {
    let mut all = Vec::new();
    let mut request = api::ListEventsRequest {
        connection_id: connection.into(),
        window: month(),
        expand_recurring: true,
        page_size: 2,
        ..Default::default()
    };
    loop {
        let page = events.list_events(request.clone()).await?.into_inner();
        all.extend(page.events);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(all);
        }
    }
}

async fn create(
    events: &mut Events,
    connection: &str,
    subject: &str,
    rules: &[&str],
) -> Result<api::Event, Status> {
    let rules: Vec<String> = rules.iter().map(|&rule| rule.into()).collect();
    let event = api::Event {
        subject: subject.into(),
        start_at: berlin(MONDAY),
        end_at: berlin(MONDAY + HOUR),
        recurrence: (!rules.is_empty()).then(|| api::Recurrence { rules, ..Default::default() }),
        ..Default::default()
    };
    let request = api::CreateEventRequest {
        connection_id: connection.into(),
        event: Some(event),
        ..Default::default()
    };
    Ok(events.create_event(request).await?.into_inner().event.unwrap_or_default())
}

/// Renames the second instance of a series and leaves the others alone.
async fn update_instance(
    events: &mut Events,
    connection: &str,
    series: &str,
) -> Result<api::Event, Status> {
    let request = api::ListEventInstancesRequest {
        connection_id: connection.into(),
        recurring_event_id: series.into(),
        window: month(),
        ..Default::default()
    };
    let instances = events.list_event_instances(request).await?.into_inner();
    let request = api::UpdateEventRequest {
        connection_id: connection.into(),
        id: instances.events[1].id.clone(),
        scope: api::UpdateScope::ThisInstance.into(),
        event: Some(api::Event {
            subject: "Weekly, in another room".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    Ok(events.update_event(request).await?.into_inner().event.unwrap_or_default())
}

/// Whether to come back. A service that rotates its streams says Unavailable; a connection that
/// broke is Unknown in tonic, with what broke it as its source, which no answer has.
fn is_cut(error: &Status) -> bool {
    error.code() == Code::Unavailable || std::error::Error::source(error).is_some()
}

/// Follows a connection. `token` says how far: keep it beside what has been handled, and a new
/// process goes on where this one ended.
struct Watch {
    client: WatchServiceClient<Channel>,
    connection: String,
    token: Vec<u8>,
}

impl Watch {
    /// Hands changes to `handle`, in order and at least once, and comes back after each cut, until
    /// `handle` says false. A first call with no changes tells that the watch stands.
    async fn run(
        &mut self,
        mut handle: impl AsyncFnMut(Vec<api::Change>) -> Result<bool, Status>,
    ) -> Result<(), Status> {
        let mut wait = Duration::from_millis(100);
        loop {
            match self.follow(&mut handle, &mut wait).await {
                Err(error) if is_cut(&error) => {}
                Ok(true) => {}
                ended => return ended.map(|_| ()),
            }
            tokio::time::sleep(wait).await;
            wait = (2 * wait).min(Duration::from_secs(30));
        }
    }

    /// One stream; dropping it cuts it. False when `handle` wants no more.
    async fn follow(
        &mut self,
        handle: &mut impl AsyncFnMut(Vec<api::Change>) -> Result<bool, Status>,
        wait: &mut Duration,
    ) -> Result<bool, Status> {
        let request = api::WatchEventsRequest {
            scope: Some(api::WatchScope {
                connection_id: self.connection.clone(),
                ..Default::default()
            }),
            resume_token: self.token.clone(),
            poll_interval: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
            ..Default::default()
        };
        let mut stream = self.client.watch_events(request).await?.into_inner();
        while let Some(answer) = stream.message().await? {
            let changes = match answer.message {
                Some(Message::Opened(_)) => continue,
                Some(Message::Changes(batch)) => batch.changes,
                _ => Vec::new(),
            };
            *wait = Duration::from_millis(100);
            let more = handle(changes).await?;
            if !answer.resume_token.is_empty() {
                self.token = answer.resume_token; // after handle: what was not handled comes again
            }
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What every error of ucal carries: a reason to act on, and for bad input the fields.
fn details(error: &Status) -> (String, Vec<String>) {
    let details = error.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    let fields = details.bad_request().map(|bad| {
        bad.field_violations.iter().map(|violation| violation.field.clone()).collect()
    });
    (reason.unwrap_or_default(), fields.unwrap_or_default())
}

fn note(seen: &mut HashSet<String>, changes: Vec<api::Change>) {
    for change in changes {
        if let Some(api::change::Resource::Event(event)) = change.resource
            && event.subject.starts_with("rust: ")
        {
            seen.insert(event.subject);
        }
    }
}

/// Ends a watch, writes while nobody looks, resumes, and counts what arrives.
async fn watch_and_resume(events: &mut Events, mut watch: Watch) -> Result<(), Status> {
    let connection = watch.connection.clone();
    let mut seen = HashSet::new();
    let mut written = false;
    watch
        .run(async |changes| {
            note(&mut seen, changes);
            if !written {
                written = true;
                create(events, &connection, "rust: seen live", &[]).await?;
            }
            Ok(seen.is_empty()) // false kills the stream
        })
        .await?;
    create(events, &connection, "rust: missed 1", &[]).await?;
    create(events, &connection, "rust: missed 2", &[]).await?;
    let mut kept = Watch { client: watch.client, connection, token: watch.token };
    kept.run(async |changes| {
        note(&mut seen, changes);
        Ok(seen.len() < 3)
    })
    .await?;
    println!("watch: cut, resumed, nothing lost");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, connection] = arguments.as_slice() else {
        return Err("usage: cargo run -- ADDRESS CONNECTION".into());
    };
    let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
    let mut events = EventServiceClient::new(channel.clone());

    let series = create(&mut events, connection, "Weekly", &["RRULE:FREQ=WEEKLY;COUNT=4"]).await?;
    println!("created: {}", series.subject);
    let changed = update_instance(&mut events, connection, &series.id).await?;
    println!("one instance: {}", changed.subject);
    let found = list(&mut events, connection).await?;
    let own = found.iter().filter(|event| event.recurring_event_id == series.id).count();
    if own != 4 {
        return Err(format!("{own} instances listed instead of 4").into());
    }
    println!("listed: {own} instances");
    let client = WatchServiceClient::new(channel);
    let watch = Watch { client, connection: connection.clone(), token: Vec::new() };
    watch_and_resume(&mut events, watch).await?;
    let bad = api::ListEventsRequest {
        connection_id: connection.clone(),
        page_size: -1,
        ..Default::default()
    };
    let Err(error) = events.list_events(bad).await else {
        return Err("a page of -1 events was given".into());
    };
    let (reason, fields) = details(&error);
    if reason != "INVALID_REQUEST" || fields != ["page_size"] {
        return Err(format!("error details: {reason} {fields:?} of {error}").into());
    }
    println!("error: {reason} {}", fields[0]);
    Ok(())
}
