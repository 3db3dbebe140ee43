// Drives a double with Zoom's own client for Node. Usage: node node_reads.js <API root> <token>
const { MeetingsEndpoints } = require('@zoom/rivet/meetings');

async function main() {
  const [baseUrl, token] = process.argv.slice(2);
  const zoom = new MeetingsEndpoints({ auth: { getToken: () => token }, baseUrl });
  const made = await zoom.meetings.createMeeting({
    path: { userId: 'me' },
    body: {
      topic: 'From Node',
      type: 8,
      start_time: '2040-10-16T14:10:00',
      timezone: 'Europe/Berlin',
      duration: 30,
      recurrence: { type: 2, repeat_interval: 1, weekly_days: '3', end_times: 3 },
    },
  });
  const { id, occurrences } = made.data;
  await zoom.meetings.updateMeeting({
    path: { meetingId: id },
    query: { occurrence_id: occurrences[1].occurrence_id },
    body: { start_time: '2040-10-24T12:10:00Z' },
  });
  await zoom.meetings.deleteMeeting({
    path: { meetingId: id },
    query: { occurrence_id: occurrences[2].occurrence_id },
  });
  const found = await zoom.meetings.getMeeting({ path: { meetingId: id } });
  const listed = await zoom.meetings.listMeetings({ path: { userId: 'me' } });
  const recordings = await zoom.cloudRecording.listAllRecordings({
    path: { userId: 'me' },
    query: { from: '2026-05-01', to: '2026-05-20' },
  });
  let missing = '';
  try {
    await zoom.meetings.getMeeting({ path: { meetingId: 99 } });
  } catch (error) {
    missing = error.message;
  }
  console.log(JSON.stringify({
    id: String(id),
    starts: found.data.occurrences.map((each) => each.start_time),
    states: found.data.occurrences.map((each) => each.status),
    listed: listed.data.meetings.map((each) => each.topic),
    recordings: recordings.data.meetings.length,
    missing,
  }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
