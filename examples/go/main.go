// Five calls of ucal from Go: list, create, update one instance, watch with resume, error details.
//
//	go run . ADDRESS CONNECTION
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	ucal "ucal.example/client/gen/ucal/v1"
)

var monday = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)

// berlin is an instant, planned in a zone: a series keeps its wall time there.
func berlin(at time.Time) *ucal.EventTime {
	return &ucal.EventTime{
		Value:    &ucal.EventTime_Timestamp{Timestamp: timestamppb.New(at)},
		TimeZone: "Europe/Berlin",
	}
}

// list reads all pages.
func list(ctx context.Context, events ucal.EventServiceClient, connection string) ([]*ucal.Event, error) {
	var all []*ucal.Event
	request := &ucal.ListEventsRequest{
		ConnectionId:    connection,
		ExpandRecurring: true,
		PageSize:        2,
		Window: &ucal.TimeRange{
			StartAt: timestamppb.New(monday),
			EndAt:   timestamppb.New(monday.AddDate(0, 1, 0)),
		},
	}
	for {
		page, err := events.ListEvents(ctx, request)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Events...)
		if request.PageToken = page.NextPageToken; request.PageToken == "" {
			return all, nil
		}
	}
}

func create(ctx context.Context, events ucal.EventServiceClient, connection, subject string, rules ...string) (*ucal.Event, error) {
	event := &ucal.Event{Subject: subject, StartAt: berlin(monday), EndAt: berlin(monday.Add(time.Hour))}
	if len(rules) > 0 {
		event.Recurrence = &ucal.Recurrence{Rules: rules}
	}
	answer, err := events.CreateEvent(ctx, &ucal.CreateEventRequest{ConnectionId: connection, Event: event})
	return answer.GetEvent(), err
}

// updateInstance renames the second instance of a series and leaves the others alone.
func updateInstance(ctx context.Context, events ucal.EventServiceClient, connection, series string) (*ucal.Event, error) {
	instances, err := events.ListEventInstances(ctx, &ucal.ListEventInstancesRequest{
		ConnectionId:     connection,
		RecurringEventId: series,
		Window:           &ucal.TimeRange{StartAt: timestamppb.New(monday), EndAt: timestamppb.New(monday.AddDate(0, 2, 0))},
	})
	if err != nil {
		return nil, err
	}
	answer, err := events.UpdateEvent(ctx, &ucal.UpdateEventRequest{
		ConnectionId: connection,
		Id:           instances.Events[1].Id,
		Scope:        ucal.UpdateScope_UPDATE_SCOPE_THIS_INSTANCE,
		Event:        &ucal.Event{Subject: "Weekly, in another room"},
	})
	return answer.GetEvent(), err
}

// Watch follows a connection. Token says how far: keep it beside what handle has done, and a new
// process goes on where this one ended.
type Watch struct {
	Client     ucal.WatchServiceClient
	Connection string
	Token      []byte
}

// Run hands changes to handle, in order and at least once, and comes back after each cut, until
// handle says false. A first call of handle with no changes tells that the watch stands.
func (w *Watch) Run(ctx context.Context, handle func([]*ucal.Change) bool) error {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		stream, err := w.Client.WatchEvents(ctx, &ucal.WatchEventsRequest{
			Scope:        &ucal.WatchScope{ConnectionId: w.Connection},
			ResumeToken:  w.Token,
			PollInterval: durationpb.New(time.Second),
		})
		for err == nil {
			var message *ucal.WatchEventsResponse
			if message, err = stream.Recv(); err != nil || message.GetOpened() != nil {
				continue
			}
			wait = 100 * time.Millisecond
			more := handle(message.GetChanges().GetChanges())
			if len(message.ResumeToken) > 0 {
				w.Token = message.ResumeToken // after handle: what was not handled must come again
			}
			if !more {
				return nil
			}
		}
		// Unavailable is a cut, or a server that rotates its streams; the rest is for the caller.
		if status.Code(err) != codes.Unavailable {
			return err
		}
		time.Sleep(wait)
	}
}

// details reads what every error of ucal carries: a reason to act on, and for bad input the fields.
func details(err error) (reason string, fields []string) {
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.Reason
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations {
				fields = append(fields, violation.Field)
			}
		}
	}
	return reason, fields
}

// watchAndResume ends a watch, writes while nobody looks, resumes, and counts what arrives.
func watchAndResume(ctx context.Context, events ucal.EventServiceClient, watch *Watch) error {
	seen := map[string]bool{}
	note := func(changes []*ucal.Change) {
		for _, change := range changes {
			if subject := change.GetEvent().GetSubject(); strings.HasPrefix(subject, "go: ") {
				seen[subject] = true
			}
		}
	}
	var failed error
	err := watch.Run(ctx, func(changes []*ucal.Change) bool {
		if note(changes); len(changes) == 0 && failed == nil && len(seen) == 0 {
			_, failed = create(ctx, events, watch.Connection, "go: seen live")
		}
		return failed == nil && len(seen) < 1 // false kills the stream
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	for _, subject := range []string{"go: missed 1", "go: missed 2"} {
		if _, err := create(ctx, events, watch.Connection, subject); err != nil {
			return err
		}
	}
	kept := &Watch{Client: watch.Client, Connection: watch.Connection, Token: watch.Token}
	err = kept.Run(ctx, func(changes []*ucal.Change) bool {
		note(changes)
		return len(seen) < 3
	})
	if err != nil {
		return fmt.Errorf("after the cut only %v: %w", seen, err)
	}
	fmt.Println("watch: cut, resumed, nothing lost")
	return nil
}

func run(ctx context.Context, address, connection string) error {
	channel, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer channel.Close()
	events := ucal.NewEventServiceClient(channel)

	series, err := create(ctx, events, connection, "Weekly", "RRULE:FREQ=WEEKLY;COUNT=4")
	if err != nil {
		return err
	}
	fmt.Println("created:", series.Subject)
	changed, err := updateInstance(ctx, events, connection, series.Id)
	if err != nil {
		return err
	}
	fmt.Println("one instance:", changed.Subject)
	found, err := list(ctx, events, connection)
	if err != nil {
		return err
	}
	own := 0
	for _, event := range found {
		if event.RecurringEventId == series.Id {
			own++
		}
	}
	if own != 4 {
		return fmt.Errorf("%d instances listed instead of 4", own)
	}
	fmt.Println("listed:", own, "instances")
	if err := watchAndResume(ctx, events, &Watch{Client: ucal.NewWatchServiceClient(channel), Connection: connection}); err != nil {
		return err
	}
	_, err = events.ListEvents(ctx, &ucal.ListEventsRequest{ConnectionId: connection, PageSize: -1})
	reason, fields := details(err)
	if reason != "INVALID_REQUEST" || len(fields) != 1 || fields[0] != "page_size" {
		return errors.Join(fmt.Errorf("error details: %q %q", reason, fields), err)
	}
	fmt.Println("error:", reason, fields[0])
	return nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: go run . ADDRESS CONNECTION")
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}
