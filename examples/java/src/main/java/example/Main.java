package example;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import ucal.v1.Change;
import ucal.v1.CreateEventRequest;
import ucal.v1.Event;
import ucal.v1.EventServiceGrpc;
import ucal.v1.EventServiceGrpc.EventServiceBlockingStub;
import ucal.v1.EventTime;
import ucal.v1.ListEventInstancesRequest;
import ucal.v1.ListEventsRequest;
import ucal.v1.Recurrence;
import ucal.v1.TimeRange;
import ucal.v1.UpdateEventRequest;
import ucal.v1.UpdateScope;
import ucal.v1.WatchEventsRequest;
import ucal.v1.WatchScope;
import ucal.v1.WatchServiceGrpc;
import ucal.v1.WatchServiceGrpc.WatchServiceBlockingStub;

/**
 * Five calls of ucal from Java: list, create, update one instance, watch with resume, error
 * details.
 *
 * <p>{@code mvn package && java -cp 'target/classes:target/lib/*' example.Main ADDRESS CONNECTION}
 */
public final class Main {
  private static final Instant MONDAY = Instant.parse("2027-03-01T08:00:00Z");
  private static final TimeRange MONTH =
      TimeRange.newBuilder()
          .setStartAt(instant(MONDAY))
          .setEndAt(instant(MONDAY.plusSeconds(31 * 86_400)))
          .build();

  private final EventServiceBlockingStub events;
  private final String connection;

  private Main(EventServiceBlockingStub events, String connection) {
    this.events = events;
    this.connection = connection;
  }

  private static Timestamp instant(Instant at) {
    return Timestamp.newBuilder().setSeconds(at.getEpochSecond()).build();
  }

  /** An instant, planned in a zone: a series keeps its wall time there. */
  private static EventTime berlin(Instant at) {
    return EventTime.newBuilder().setTimestamp(instant(at)).setTimeZone("Europe/Berlin").build();
  }

  /** Reads all pages. */
  private List<Event> list() {
    var all = new ArrayList<Event>();
    var request =
        ListEventsRequest.newBuilder()
            .setConnectionId(connection)
            .setWindow(MONTH)
            .setExpandRecurring(true)
            .setPageSize(2);
    do {
      var page = events.listEvents(request.build());
      all.addAll(page.getEventsList());
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    return all;
  }

  private Event create(String subject, String... rules) {
    var event =
        Event.newBuilder()
            .setSubject(subject)
            .setStartAt(berlin(MONDAY))
            .setEndAt(berlin(MONDAY.plusSeconds(3600)));
    if (rules.length > 0) {
      event.setRecurrence(Recurrence.newBuilder().addAllRules(List.of(rules)));
    }
    return events
        .createEvent(
            CreateEventRequest.newBuilder().setConnectionId(connection).setEvent(event).build())
        .getEvent();
  }

  /** Renames the second instance of a series and leaves the others alone. */
  private Event updateInstance(String series) {
    var instances =
        events.listEventInstances(
            ListEventInstancesRequest.newBuilder()
                .setConnectionId(connection)
                .setRecurringEventId(series)
                .setWindow(MONTH)
                .build());
    return events
        .updateEvent(
            UpdateEventRequest.newBuilder()
                .setConnectionId(connection)
                .setId(instances.getEvents(1).getId())
                .setScope(UpdateScope.UPDATE_SCOPE_THIS_INSTANCE)
                .setEvent(Event.newBuilder().setSubject("Weekly, in another room"))
                .build())
        .getEvent();
  }

  /**
   * Follows a connection. The token says how far: keep it beside what has been handled, and a new
   * process goes on where this one ended.
   */
  static final class Watch {
    final WatchServiceBlockingStub stub;
    final String connection;
    ByteString token;

    Watch(WatchServiceBlockingStub stub, String connection, ByteString token) {
      this.stub = stub;
      this.connection = connection;
      this.token = token;
    }

    /**
     * Hands changes to handle, in order and at least once, and comes back after each cut, until
     * handle says false. A first call with no changes tells that the watch stands.
     */
    void run(Predicate<List<Change>> handle) throws InterruptedException {
      for (long wait = 100; ; wait = Math.min(2 * wait, 30_000)) {
        var request =
            WatchEventsRequest.newBuilder()
                .setScope(WatchScope.newBuilder().setConnectionId(connection))
                .setResumeToken(token)
                .setPollInterval(Duration.newBuilder().setSeconds(1))
                .build();
        var call = Context.current().withCancellation();
        var before = call.attach();
        try {
          var stream = stub.watchEvents(request);
          while (stream.hasNext()) {
            var message = stream.next();
            if (message.hasOpened()) {
              continue;
            }
            wait = 100;
            var changes = message.getChanges().getChangesList();
            // Outside the stream's context: cutting it must not cancel what handle calls.
            var more = before.call(() -> handle.test(changes));
            if (!message.getResumeToken().isEmpty()) {
              token = message.getResumeToken(); // after handle: what was not handled comes again
            }
            if (!more) {
              return;
            }
          }
        } catch (StatusRuntimeException error) {
          // A cut, or a server that rotates its streams; the rest is for the caller.
          if (error.getStatus().getCode() != Status.Code.UNAVAILABLE) {
            throw error;
          }
        } catch (RuntimeException error) {
          throw error;
        } catch (Exception error) {
          throw new IllegalStateException(error);
        } finally {
          call.detachAndCancel(before, null);
        }
        Thread.sleep(wait);
      }
    }
  }

  /** What every error of ucal carries: a reason to act on, and for bad input the fields. */
  record Details(String reason, List<String> fields) {
    static Details of(StatusRuntimeException error) throws InvalidProtocolBufferException {
      var reason = "";
      var fields = new ArrayList<String>();
      for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          reason = detail.unpack(ErrorInfo.class).getReason();
        } else if (detail.is(BadRequest.class)) {
          for (var violation : detail.unpack(BadRequest.class).getFieldViolationsList()) {
            fields.add(violation.getField());
          }
        }
      }
      return new Details(reason, fields);
    }
  }

  /** Ends a watch, writes while nobody looks, resumes, and counts what arrives. */
  private void watchAndResume(WatchServiceBlockingStub stub) throws InterruptedException {
    Set<String> seen = new HashSet<>();
    var written = new ArrayList<Event>();
    var watch = new Watch(stub, connection, ByteString.EMPTY);
    watch.run(
        changes -> {
          note(seen, changes);
          if (written.isEmpty()) {
            written.add(create("java: seen live"));
          }
          return seen.size() < 1; // false kills the stream
        });
    create("java: missed 1");
    create("java: missed 2");
    new Watch(stub, connection, watch.token)
        .run(
            changes -> {
              note(seen, changes);
              return seen.size() < 3;
            });
    System.out.println("watch: cut, resumed, nothing lost");
  }

  private static void note(Set<String> seen, List<Change> changes) {
    for (var change : changes) {
      if (change.getEvent().getSubject().startsWith("java: ")) {
        seen.add(change.getEvent().getSubject());
      }
    }
  }

  private void run(WatchServiceBlockingStub watches) throws Exception {
    var series = create("Weekly", "RRULE:FREQ=WEEKLY;COUNT=4");
    System.out.println("created: " + series.getSubject());
    System.out.println("one instance: " + updateInstance(series.getId()).getSubject());
    var own =
        list().stream().filter(e -> e.getRecurringEventId().equals(series.getId())).count();
    if (own != 4) {
      throw new IllegalStateException(own + " instances listed instead of 4");
    }
    System.out.println("listed: " + own + " instances");
    watchAndResume(watches);
    try {
      events.listEvents(
          ListEventsRequest.newBuilder().setConnectionId(connection).setPageSize(-1).build());
      throw new IllegalStateException("a page of -1 events was given");
    } catch (StatusRuntimeException error) {
      var details = Details.of(error);
      if (!details.equals(new Details("INVALID_REQUEST", List.of("page_size")))) {
        throw new IllegalStateException("error details: " + details, error);
      }
      System.out.println("error: " + details.reason() + " " + details.fields().get(0));
    }
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 2) {
      throw new IllegalArgumentException("usage: example.Main ADDRESS CONNECTION");
    }
    ManagedChannel channel =
        Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
    try {
      new Main(EventServiceGrpc.newBlockingStub(channel), arguments[1])
          .run(WatchServiceGrpc.newBlockingStub(channel));
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }
}
