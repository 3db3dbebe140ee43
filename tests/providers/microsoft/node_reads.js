// Reads a double with Microsoft's own client for JavaScript.
// Usage: node node_reads.js <API root> <token>
const { Client, HTTPMessageHandler } = require('@microsoft/microsoft-graph-client');

// The client's own handler signs requests by https only, and the double is on loopback.
class Signed {
  constructor(token, next) {
    this.token = token;
    this.next = next;
  }

  async execute(context) {
    const headers = new Headers(context.options.headers);
    headers.set('Authorization', `Bearer ${this.token}`);
    context.options.headers = headers;
    return this.next.execute(context);
  }
}

async function main() {
  const [root, token] = process.argv.slice(2);
  const client = Client.initWithMiddleware({
    baseUrl: root.replace(/\/v1\.0$/, '/'),
    defaultVersion: 'v1.0',
    middleware: new Signed(token, new HTTPMessageHandler()),
  });
  const made = await client.api('/me/events').post({
    subject: 'From Node',
    start: { dateTime: '2026-10-20T14:10:00', timeZone: 'Europe/Berlin' },
    end: { dateTime: '2026-10-20T14:40:00', timeZone: 'Europe/Berlin' },
    recurrence: {
      pattern: { type: 'weekly', interval: 1, daysOfWeek: ['tuesday'] },
      range: { type: 'numbered', startDate: '2026-10-20', numberOfOccurrences: 3 },
    },
  });
  const id = encodeURIComponent(made.id);
  await client.api(`/me/events/${id}`).header('If-Match', made['@odata.etag'])
    .patch({ location: { displayName: 'Room 4' } });
  const window = { startDateTime: '2026-10-01T00:00:00Z', endDateTime: '2026-12-01T00:00:00Z' };
  const view = await client.api('/me/calendarView').query(window)
    .header('Prefer', 'outlook.timezone="Europe/Berlin"').get();
  const first = await client.api('/me/calendarView/delta').query(window).get();
  const link = new URL(first['@odata.deltaLink']);
  const again = await client.api(link.pathname.replace('/v1.0', '') + link.search).get();
  const busy = await client.api('/me/calendar/getSchedule').post({
    schedules: ['ada@contoso.com'],
    startTime: { dateTime: '2026-10-20T00:00:00', timeZone: 'UTC' },
    endTime: { dateTime: '2026-10-21T00:00:00', timeZone: 'UTC' },
  });
  let missing = '';
  await client.api('/me/events/QUFBQUFBQUFBQUFB').get().catch((error) => {
    missing = `${error.statusCode} ${error.code}`;
  });
  process.stdout.write(JSON.stringify({
    zone: made.originalStartTimeZone,
    starts: view.value.map((event) => event.start.dateTime),
    first: first.value.length,
    again: again.value.length,
    busy: busy.value[0].scheduleItems.length,
    missing,
  }));
}

main().catch((error) => {
  process.stderr.write(String(error.stack || error));
  process.exit(1);
});
