// Five calls of ucal with @grpc/grpc-js: list, create, update one instance, watch with resume, error
// details.
//
//   npm install && npm run build && npm start ADDRESS CONNECTION
import { setTimeout as sleep } from "node:timers/promises";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";

import { BadRequest, ErrorInfo } from "../gen/google/rpc/error_details.js";
import { Status } from "../gen/google/rpc/status.js";
import {
  CreateEventRequest, type CreateEventResponse, type Event, EventServiceClient,
  ListEventInstancesRequest, type ListEventInstancesResponse, ListEventsRequest,
  type ListEventsResponse, UpdateEventRequest, type UpdateEventResponse,
} from "../gen/ucal/v1/event.js";
import { UpdateScope } from "../gen/ucal/v1/types.js";
import { type Change, WatchEventsRequest, WatchServiceClient } from "../gen/ucal/v1/watch.js";

const MONDAY = Date.UTC(2027, 2, 1, 8);
const HOUR = 3_600_000;
const MONTH = { startAt: new Date(MONDAY), endAt: new Date(MONDAY + 31 * 24 * HOUR) };

/** grpc-js answers by callback. */
function answer<A>(call: (done: (error: ServiceError | null, answer: A) => void) => void): Promise<A> {
  return new Promise((resolve, reject) => {
    call((error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

/** An instant, planned in a zone: a series keeps its wall time there. */
function berlin(at: number) {
  return { timestamp: new Date(at), timeZone: "Europe/Berlin" };
}

/** Reads all pages. */
async function list(events: EventServiceClient, connectionId: string): Promise<Event[]> {
  const all: Event[] = [];
  const request = ListEventsRequest.fromPartial({
    connectionId, window: MONTH, expandRecurring: true, pageSize: 2,
  });
  do {
    const page = await answer<ListEventsResponse>((done) => events.listEvents(request, done));
    all.push(...page.events);
    request.pageToken = page.nextPageToken;
  } while (request.pageToken);
  return all;
}

async function create(
  events: EventServiceClient, connectionId: string, subject: string, rules: string[] = [],
): Promise<Event> {
  const request = CreateEventRequest.fromPartial({
    connectionId,
    event: {
      subject,
      startAt: berlin(MONDAY),
      endAt: berlin(MONDAY + HOUR),
      recurrence: rules.length ? { rules } : undefined,
    },
  });
  return (await answer<CreateEventResponse>((done) => events.createEvent(request, done))).event!;
}

/** Renames the second instance of a series and leaves the others alone. */
async function updateInstance(
  events: EventServiceClient, connectionId: string, recurringEventId: string,
): Promise<Event> {
  const asked = ListEventInstancesRequest.fromPartial({ connectionId, recurringEventId, window: MONTH });
  const instances = await answer<ListEventInstancesResponse>(
    (done) => events.listEventInstances(asked, done),
  );
  const request = UpdateEventRequest.fromPartial({
    connectionId,
    id: instances.events[1].id,
    scope: UpdateScope.UPDATE_SCOPE_THIS_INSTANCE,
    event: { subject: "Weekly, in another room" },
  });
  return (await answer<UpdateEventResponse>((done) => events.updateEvent(request, done))).event!;
}

/** Follows a connection. `token` says how far: keep it beside what has been handled, and a new
 * process goes on where this one ended. */
class Watch {
  constructor(
    readonly client: WatchServiceClient,
    readonly connectionId: string,
    public token: Uint8Array = new Uint8Array(),
  ) {}

  /** Hands changes to `handle`, in order and at least once, and comes back after each cut, until
   * `handle` says false. A first call with no changes tells that the watch stands. */
  async run(handle: (changes: Change[]) => Promise<boolean>): Promise<void> {
    for (let wait = 100; ; wait = Math.min(2 * wait, 30_000)) {
      const stream = this.client.watchEvents(WatchEventsRequest.fromPartial({
        scope: { connectionId: this.connectionId },
        resumeToken: this.token,
        pollInterval: { seconds: 1 },
      }));
      stream.on("error", () => {}); // also told after the loop has ended, when nobody listens
      try {
        for await (const message of stream) {
          if (message.opened) continue;
          wait = 100;
          const more = await handle(message.changes?.changes ?? []);
          // After handle: what was not handled must come again.
          if (message.resumeToken.length) this.token = message.resumeToken;
          if (!more) return;
        }
      } catch (error) {
        // Unavailable is a cut, or a server that rotates its streams; the rest is for the caller.
        if ((error as ServiceError).code !== status.UNAVAILABLE) throw error;
      } finally {
        stream.cancel(); // leaving the loop alone would leave the stream open
      }
      await sleep(wait);
    }
  }
}

/** What every error of ucal carries: a reason to act on, and for bad input the fields. */
function details(error: ServiceError): { reason: string; fields: string[] } {
  const found = { reason: "", fields: [] as string[] };
  const [packed] = error.metadata.get("grpc-status-details-bin");
  for (const { typeUrl, value } of packed ? Status.decode(packed as Buffer).details : []) {
    if (typeUrl.endsWith("/google.rpc.ErrorInfo")) {
      found.reason = ErrorInfo.decode(value).reason;
    } else if (typeUrl.endsWith("/google.rpc.BadRequest")) {
      found.fields.push(...BadRequest.decode(value).fieldViolations.map((each) => each.field));
    }
  }
  return found;
}

/** Ends a watch, writes while nobody looks, resumes, and counts what arrives. */
async function watchAndResume(events: EventServiceClient, watch: Watch): Promise<void> {
  const seen = new Set<string>();
  const note = (changes: Change[]) => {
    for (const { event } of changes) {
      if (event?.subject.startsWith("js: ")) seen.add(event.subject);
    }
  };
  let written = false;
  await watch.run(async (changes) => {
    note(changes);
    if (!written) {
      written = true;
      await create(events, watch.connectionId, "js: seen live");
    }
    return seen.size < 1; // false kills the stream
  });
  await create(events, watch.connectionId, "js: missed 1");
  await create(events, watch.connectionId, "js: missed 2");
  await new Watch(watch.client, watch.connectionId, watch.token).run(async (changes) => {
    note(changes);
    return seen.size < 3;
  });
  console.log("watch: cut, resumed, nothing lost");
}

async function main(address: string, connection: string): Promise<void> {
  const events = new EventServiceClient(address, credentials.createInsecure());
  const watches = new WatchServiceClient(address, credentials.createInsecure());

  const series = await create(events, connection, "Weekly", ["RRULE:FREQ=WEEKLY;COUNT=4"]);
  console.log("created:", series.subject);
  const changed = await updateInstance(events, connection, series.id);
  console.log("one instance:", changed.subject);
  const found = await list(events, connection);
  const own = found.filter((event) => event.recurringEventId === series.id).length;
  if (own !== 4) throw new Error(`${own} instances listed instead of 4`);
  console.log("listed:", own, "instances");
  await watchAndResume(events, new Watch(watches, connection));
  const bad = ListEventsRequest.fromPartial({ connectionId: connection, pageSize: -1 });
  const failed = await answer<ListEventsResponse>((done) => events.listEvents(bad, done)).then(
    () => { throw new Error("a page of -1 events was given"); },
    details,
  );
  if (failed.reason !== "INVALID_REQUEST" || failed.fields.join() !== "page_size") {
    throw new Error(`error details: ${JSON.stringify(failed)}`);
  }
  console.log("error:", failed.reason, failed.fields[0]);
  events.close();
  watches.close();
}

if (process.argv.length !== 4) throw new Error("usage: npm start ADDRESS CONNECTION");
await main(process.argv[2], process.argv[3]);
