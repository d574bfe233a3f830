// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/archive_record.hpp"

#include <utility>

#include "api/channels.hpp"
#include "json_fields.hpp"

namespace live {
namespace {

constexpr std::pair<ArchiveRecord::State, const char*> kStates[] = {
    {ArchiveRecord::State::Waiting, "waiting"},
    {ArchiveRecord::State::Created, "created"},
    {ArchiveRecord::State::Failed, "failed"}};

std::int64_t seconds_of(ArchiveRecord::Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

void ArchiveRecord::on_created() {
  state = State::Created;
  error.clear();
  failures = 0;
  failing_since.reset();
  due.reset();
}

bool ArchiveRecord::on_failure(Time now, std::string why, bool has_got_on) {
  error = std::move(why);
  if (has_got_on) {
    failures = 0;
    failing_since.reset();
  }
  ++failures;
  if (!failing_since)
    failing_since = now;
  // A clock that was set back must not make it wait for ever.
  if (*failing_since > now)
    failing_since = now;
  if (now - *failing_since >= BackOff::kLifetime) {
    state = State::Failed;
    due.reset();
    return true;
  }
  due = now + BackOff::after(failures);
  return false;
}

std::string to_text(const ArchiveRecord& record) {
  Json json{{"channel", record.channel},
            {"destination", record.destination},
            {"event_webhook_url", record.event_webhook_url},
            {"broadcasts", record.broadcasts},
            {"deleted", record.is_deleted},
            {"state", "waiting"},
            {"files", record.progress.files},
            {"files_copied", record.progress.files_copied},
            {"bytes", record.progress.bytes},
            {"bytes_copied", record.progress.bytes_copied},
            {"error", record.error},
            {"failures", record.failures}};
  for (const auto& [state, name] : kStates)
    if (state == record.state)
      json["state"] = name;
  if (!record.connection_of.empty())
    json["connection_of"] = record.connection_of;
  if (record.failing_since)
    json["failing_since"] = seconds_of(*record.failing_since);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::variant<ArchiveRecord, std::string> read_archive_record(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  ArchiveRecord record;
  try {
    record.channel = json.at("channel").get<std::string>();
    record.connection_of = json.value("connection_of", "");
    record.destination = json.at("destination").get<std::string>();
    record.event_webhook_url = json.at("event_webhook_url").get<std::string>();
    record.broadcasts = json.at("broadcasts").get<unsigned>();
    record.is_deleted = json.at("deleted").get<bool>();
    record.progress = {.files = json.at("files").get<std::uint64_t>(),
                       .files_copied = json.at("files_copied").get<std::uint64_t>(),
                       .bytes = json.at("bytes").get<std::uint64_t>(),
                       .bytes_copied = json.at("bytes_copied").get<std::uint64_t>()};
    record.error = json.at("error").get<std::string>();
    record.failures = json.at("failures").get<unsigned>();
    for (const auto& [state, name] : kStates)
      if (json.at("state") == name)
        record.state = state;
    if (json.contains("failing_since"))
      record.failing_since =
          ArchiveRecord::Time{std::chrono::seconds{json.at("failing_since").get<std::int64_t>()}};
  } catch (const Json::exception& error) {
    return std::string{error.what()};
  }
  if (!is_channel_id(record.channel) || !is_channel_id(record.destination))
    return "there is no channel, or no destination";
  if (!record.connection_of.empty() && !record.channel.starts_with(record.connection_of + "-"))
    return "its connection is none of its channel";
  return record;
}

}  // namespace live
