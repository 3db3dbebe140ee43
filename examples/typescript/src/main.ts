// Five calls of ucal from TypeScript: list, create, update one instance, watch with resume, error
// details.
//
//   npm install && npm run build && npm start ADDRESS CONNECTION
import { setTimeout as sleep } from "node:timers/promises";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { type Event, EventService } from "../gen/ucal/v1/event_pb.js";
import { UpdateScope } from "../gen/ucal/v1/types_pb.js";
import { type Change, WatchService } from "../gen/ucal/v1/watch_pb.js";

type Events = Client<typeof EventService>;

const MONDAY = Date.UTC(2027, 2, 1, 8);
const HOUR = 3_600_000;
const MONTH = {
  startAt: timestampFromDate(new Date(MONDAY)),
  endAt: timestampFromDate(new Date(MONDAY + 31 * 24 * HOUR)),
};

/** An instant, planned in a zone: a series keeps its wall time there. */
function berlin(at: number) {
  return {
    value: { case: "timestamp" as const, value: timestampFromDate(new Date(at)) },
    timeZone: "Europe/Berlin",
  };
}

/** Reads all pages. */
async function list(events: Events, connectionId: string): Promise<Event[]> {
  const all: Event[] = [];
  let pageToken = "";
  do {
    const page = await events.listEvents({
      connectionId, window: MONTH, expandRecurring: true, pageSize: 2, pageToken,
    });
    all.push(...page.events);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return all;
}

async function create(events: Events, connectionId: string, subject: string, rules: string[] = []) {
  const { event } = await events.createEvent({
    connectionId,
    event: {
      subject,
      startAt: berlin(MONDAY),
      endAt: berlin(MONDAY + HOUR),
      recurrence: rules.length ? { rules } : undefined,
    },
  });
  return event!;
}

/** Renames the second instance of a series and leaves the others alone. */
async function updateInstance(events: Events, connectionId: string, recurringEventId: string) {
  const instances = await events.listEventInstances({
    connectionId, recurringEventId, window: MONTH,
  });
  const { event } = await events.updateEvent({
    connectionId,
    id: instances.events[1].id,
    scope: UpdateScope.THIS_INSTANCE,
    event: { subject: "Weekly, in another room" },
  });
  return event!;
}

/** Whether to come back. A service that rotates its streams says Unavailable; a connection that
 * broke is Canceled or Aborted in Connect for Node.js, without the details of an answer. */
function isCut(error: unknown): boolean {
  const { code, details } = ConnectError.from(error);
  const broken = code === Code.Canceled || code === Code.Aborted;
  return code === Code.Unavailable || (broken && details.length === 0);
}

/** Follows a connection. `token` says how far: keep it beside what has been handled, and a new
 * process goes on where this one ended. */
class Watch {
  constructor(
    readonly client: Client<typeof WatchService>,
    readonly connectionId: string,
    public token: Uint8Array = new Uint8Array(),
  ) {}

  /** Hands changes to `handle`, in order and at least once, and comes back after each cut, until
   * `handle` says false. A first call with no changes tells that the watch stands. */
  async run(handle: (changes: Change[]) => Promise<boolean>): Promise<void> {
    for (let wait = 100; ; wait = Math.min(2 * wait, 30_000)) {
      const cut = new AbortController();
      try {
        const stream = this.client.watchEvents(
          {
            scope: { connectionId: this.connectionId },
            resumeToken: this.token,
            pollInterval: durationFromMs(1000),
          },
          { signal: cut.signal },
        );
        for await (const { message, resumeToken } of stream) {
          if (message.case === "opened") continue;
          wait = 100;
          const more = await handle(message.case === "changes" ? message.value.changes : []);
          // After handle: what was not handled must come again.
          if (resumeToken.length) this.token = resumeToken;
          if (!more) return;
        }
      } catch (error) {
        if (!isCut(error)) throw error;
      } finally {
        cut.abort(); // leaving the loop alone would leave the stream open
      }
      await sleep(wait);
    }
  }
}

/** What every error of ucal carries: a reason to act on, and for bad input the fields. */
function details(error: unknown): { reason?: string; fields: string[] } {
  const failed = ConnectError.from(error);
  return {
    reason: failed.findDetails(ErrorInfoSchema)[0]?.reason,
    fields: failed.findDetails(BadRequestSchema)
      .flatMap((each) => each.fieldViolations.map((violation) => violation.field)),
  };
}

/** Ends a watch, writes while nobody looks, resumes, and counts what arrives. */
async function watchAndResume(events: Events, watch: Watch): Promise<void> {
  const seen = new Set<string>();
  const note = (changes: Change[]) => {
    for (const { resource } of changes) {
      if (resource.case === "event" && resource.value.subject.startsWith("ts: ")) {
        seen.add(resource.value.subject);
      }
    }
  };
  let written = false;
  await watch.run(async (changes) => {
    note(changes);
    if (!written) {
      written = true;
      await create(events, watch.connectionId, "ts: seen live");
    }
    return seen.size < 1; // false kills the stream
  });
  await create(events, watch.connectionId, "ts: missed 1");
  await create(events, watch.connectionId, "ts: missed 2");
  await new Watch(watch.client, watch.connectionId, watch.token).run(async (changes) => {
    note(changes);
    return seen.size < 3;
  });
  console.log("watch: cut, resumed, nothing lost");
}

async function main(address: string, connection: string): Promise<void> {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  const events = createClient(EventService, transport);

  const series = await create(events, connection, "Weekly", ["RRULE:FREQ=WEEKLY;COUNT=4"]);
  console.log("created:", series.subject);
  const changed = await updateInstance(events, connection, series.id);
  console.log("one instance:", changed.subject);
  const found = await list(events, connection);
  const own = found.filter((event) => event.recurringEventId === series.id).length;
  if (own !== 4) throw new Error(`${own} instances listed instead of 4`);
  console.log("listed:", own, "instances");
  await watchAndResume(events, new Watch(createClient(WatchService, transport), connection));
  const failed = await events.listEvents({ connectionId: connection, pageSize: -1 }).then(
    () => { throw new Error("a page of -1 events was given"); },
    details,
  );
  if (failed.reason !== "INVALID_REQUEST" || failed.fields.join() !== "page_size") {
    throw new Error(`error details: ${JSON.stringify(failed)}`);
  }
  console.log("error:", failed.reason, failed.fields[0]);
  sessionManager.abort(); // an idle connection keeps Node alive
}

if (process.argv.length !== 4) throw new Error("usage: npm start ADDRESS CONNECTION");
await main(process.argv[2], process.argv[3]);
