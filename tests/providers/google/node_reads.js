// Reads a double with Google's own client for Node. Usage: node node_reads.js <root URL> <token>
const { calendar, auth } = require('@googleapis/calendar');

async function main() {
  const [rootUrl, token] = process.argv.slice(2);
  const signed = new auth.OAuth2();
  signed.setCredentials({ access_token: token });
  const api = calendar({ version: 'v3', auth: signed, rootUrl: `${rootUrl}/` });
  const calendarId = 'primary';
  const made = await api.events.insert({
    calendarId,
    conferenceDataVersion: 1,
    requestBody: {
      summary: 'From Node',
      start: { dateTime: '2026-10-20T14:10:00', timeZone: 'Europe/Berlin' },
      end: { dateTime: '2026-10-20T14:40:00', timeZone: 'Europe/Berlin' },
      recurrence: ['RRULE:FREQ=WEEKLY;COUNT=3'],
      conferenceData: {
        createRequest: { requestId: 'n1', conferenceSolutionKey: { type: 'hangoutsMeet' } },
      },
    },
  });
  await api.events.patch({
    calendarId,
    eventId: made.data.id,
    requestBody: { location: 'Room 4' },
  }, { headers: { 'If-Match': made.data.etag } });
  const instances = await api.events.instances({ calendarId, eventId: made.data.id });
  const first = await api.events.list({ calendarId });
  const again = await api.events.list({ calendarId, syncToken: first.data.nextSyncToken });
  const busy = await api.freebusy.query({
    requestBody: {
      timeMin: '2026-10-20T00:00:00Z',
      timeMax: '2026-10-21T00:00:00Z',
      items: [{ id: calendarId }],
    },
  });
  let missing = 0;
  await api.events.get({ calendarId, eventId: 'nothere' }).catch((error) => {
    missing = Number(error.code || error.status);
  });
  const calendars = await api.calendarList.list();
  console.log(JSON.stringify({
    link: made.data.hangoutLink,
    instances: instances.data.items.map((each) => each.start.dateTime),
    listed: first.data.items.map((each) => each.location),
    again: again.data.items.length,
    busy: busy.data.calendars[calendarId].busy,
    missing,
    calendars: calendars.data.items.map((each) => each.summary),
  }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
