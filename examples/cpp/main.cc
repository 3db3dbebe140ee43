// Five calls of ucal from C++: list, create, update one instance, watch with resume, error details.
//
//   make && ./target/example ADDRESS CONNECTION
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "ucal/v1/event.grpc.pb.h"
#include "ucal/v1/watch.grpc.pb.h"

namespace api = ucal::v1;
using Events = api::EventService::Stub;
using Changes = google::protobuf::RepeatedPtrField<api::Change>;

constexpr int64_t kMonday = 1803888000;  // 2027-03-01T08:00:00Z
constexpr int64_t kHour = 3600;

/// What was asked failed.
struct Failure : std::runtime_error {
  explicit Failure(grpc::Status status)
      : std::runtime_error(status.error_message()), status(std::move(status)) {}
  grpc::Status status;
};

void Check(const grpc::Status& status) {
  if (!status.ok()) throw Failure(status);
}

/// Every call has a deadline.
struct Context : grpc::ClientContext {
  Context() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30)); }
};

void Month(api::TimeRange* window) {
  window->mutable_start_at()->set_seconds(kMonday);
  window->mutable_end_at()->set_seconds(kMonday + 31 * 24 * kHour);
}

/// An instant, planned in a zone: a series keeps its wall time there.
void Berlin(api::EventTime* time, int64_t seconds) {
  time->mutable_timestamp()->set_seconds(seconds);
  time->set_time_zone("Europe/Berlin");
}

/// Reads all pages.
std::vector<api::Event> List(Events& events, const std::string& connection) {
  std::vector<api::Event> all;
  api::ListEventsRequest request;
  request.set_connection_id(connection);
  Month(request.mutable_window());
  request.set_expand_recurring(true);
  request.set_page_size(2);
  do {
    Context context;
    api::ListEventsResponse page;
    Check(events.ListEvents(&context, request, &page));
    all.insert(all.end(), page.events().begin(), page.events().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

api::Event Create(Events& events, const std::string& connection, const std::string& subject,
                  const std::string& rule = "") {
  api::CreateEventRequest request;
  request.set_connection_id(connection);
  request.mutable_event()->set_subject(subject);
  Berlin(request.mutable_event()->mutable_start_at(), kMonday);
  Berlin(request.mutable_event()->mutable_end_at(), kMonday + kHour);
  if (!rule.empty()) request.mutable_event()->mutable_recurrence()->add_rules(rule);
  Context context;
  api::CreateEventResponse answer;
  Check(events.CreateEvent(&context, request, &answer));
  return answer.event();
}

/// Renames the second instance of a series and leaves the others alone.
api::Event UpdateInstance(Events& events, const std::string& connection, const std::string& series) {
  api::ListEventInstancesRequest asked;
  asked.set_connection_id(connection);
  asked.set_recurring_event_id(series);
  Month(asked.mutable_window());
  Context listing;
  api::ListEventInstancesResponse instances;
  Check(events.ListEventInstances(&listing, asked, &instances));
  api::UpdateEventRequest request;
  request.set_connection_id(connection);
  request.set_id(instances.events(1).id());
  request.set_scope(api::UPDATE_SCOPE_THIS_INSTANCE);
  request.mutable_event()->set_subject("Weekly, in another room");
  Context context;
  api::UpdateEventResponse answer;
  Check(events.UpdateEvent(&context, request, &answer));
  return answer.event();
}

/// Follows a connection. `token` says how far: keep it beside what has been handled, and a new
/// process goes on where this one ended.
struct Watch {
  api::WatchService::Stub& stub;
  std::string connection;
  std::string token;

  /// Hands changes to `handle`, in order and at least once, and comes back after each cut, until
  /// `handle` says false. A first call with no changes tells that the watch stands.
  void Run(const std::function<bool(const Changes&)>& handle) {
    using std::chrono::milliseconds;
    for (milliseconds wait(100);; wait = std::min(2 * wait, milliseconds(30'000))) {
      grpc::ClientContext context;  // without a deadline: it has no end of its own
      api::WatchEventsRequest request;
      request.mutable_scope()->set_connection_id(connection);
      request.set_resume_token(token);
      request.mutable_poll_interval()->set_seconds(1);
      auto stream = stub.WatchEvents(&context, request);
      bool more = true;
      api::WatchEventsResponse message;
      while (more && stream->Read(&message)) {
        if (message.has_opened()) continue;
        wait = milliseconds(100);
        more = handle(message.changes().changes());
        // After handle: what was not handled must come again.
        if (!message.resume_token().empty()) token = message.resume_token();
      }
      if (!more) context.TryCancel();
      const grpc::Status status = stream->Finish();
      if (!more) return;
      // Unavailable is a cut, or a server that rotates its streams; the rest is for the caller.
      if (!status.ok() && status.error_code() != grpc::StatusCode::UNAVAILABLE) Check(status);
      std::this_thread::sleep_for(wait);
    }
  }
};

/// What every error of ucal carries: a reason to act on, and for bad input the fields.
std::pair<std::string, std::vector<std::string>> Details(const grpc::Status& status) {
  std::pair<std::string, std::vector<std::string>> found;
  google::rpc::Status packed;
  packed.ParseFromString(status.error_details());
  for (const auto& detail : packed.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    if (detail.UnpackTo(&info)) found.first = info.reason();
    if (detail.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) found.second.push_back(violation.field());
    }
  }
  return found;
}

/// Ends a watch, writes while nobody looks, resumes, and counts what arrives.
void WatchAndResume(Events& events, Watch watch) {
  std::set<std::string> seen;
  bool written = false;
  const auto note = [&](const Changes& changes) {
    for (const auto& change : changes) {
      if (change.event().subject().rfind("c++: ", 0) == 0) seen.insert(change.event().subject());
    }
  };
  watch.Run([&](const Changes& changes) {
    note(changes);
    if (!std::exchange(written, true)) Create(events, watch.connection, "c++: seen live");
    return seen.empty();  // false kills the stream
  });
  Create(events, watch.connection, "c++: missed 1");
  Create(events, watch.connection, "c++: missed 2");
  Watch{watch.stub, watch.connection, watch.token}.Run([&](const Changes& changes) {
    note(changes);
    return seen.size() < 3;
  });
  std::cout << "watch: cut, resumed, nothing lost\n";
}

void Run(const std::string& address, const std::string& connection) {
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  const auto events = api::EventService::NewStub(channel);
  const auto watches = api::WatchService::NewStub(channel);

  const auto series = Create(*events, connection, "Weekly", "RRULE:FREQ=WEEKLY;COUNT=4");
  std::cout << "created: " << series.subject() << '\n';
  const auto changed = UpdateInstance(*events, connection, series.id());
  std::cout << "one instance: " << changed.subject() << '\n';
  const auto found = List(*events, connection);
  const auto own = std::count_if(found.begin(), found.end(), [&](const api::Event& event) {
    return event.recurring_event_id() == series.id();
  });
  if (own != 4) throw std::runtime_error(std::to_string(own) + " instances listed instead of 4");
  std::cout << "listed: " << own << " instances\n";
  WatchAndResume(*events, Watch{*watches, connection, ""});

  api::ListEventsRequest bad;
  bad.set_connection_id(connection);
  bad.set_page_size(-1);
  Context context;
  api::ListEventsResponse page;
  const auto [reason, fields] = Details(events->ListEvents(&context, bad, &page));
  if (reason != "INVALID_REQUEST" || fields != std::vector<std::string>{"page_size"}) {
    throw std::runtime_error("error details: " + reason);
  }
  std::cout << "error: " << reason << ' ' << fields[0] << '\n';
}

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: example ADDRESS CONNECTION\n";
    return 2;
  }
  try {
    Run(arguments[1], arguments[2]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
