// SPDX-License-Identifier: LGPL-2.1-or-later
#include "publication.hpp"

#include <algorithm>
#include <filesystem>

#include "file_name.hpp"
#include "glue/gsttime.hpp"
#include "resource_answer.hpp"
#include "storage/memory_storage.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_live_sink_debug);
#define GST_CAT_DEFAULT gst_hls_live_sink_debug

namespace onair {
namespace {

// Boundaries whose numbers a rendition that is behind may still ask for.
constexpr std::size_t kMostRemembered = 64;

std::uint64_t size_of(const std::filesystem::path& path) {
  std::error_code code;
  const auto size = std::filesystem::file_size(path, code);
  return code ? 0 : size;
}

std::string_view name_of(Storage::Kind kind) {
  return kind == Storage::Kind::Part ? "parts" : "segments";
}

// Where players ask for the key of this number.
std::string key_uri(const std::string& uri, std::uint64_t number) {
  constexpr std::string_view kPlace = "{kid}";
  const auto kid = std::to_string(number);
  if (const auto at = uri.find(kPlace); at != std::string::npos)
    return uri.substr(0, at) + kid + uri.substr(at + kPlace.size());
  return uri + (uri.find('?') == std::string::npos ? "?kid=" : "&kid=") + kid;
}

DirectoryStorage::Sync to_core(SyncPolicy policy) {
  switch (policy) {
    case SyncPolicy::Segments:
      return DirectoryStorage::Sync::Segments;
    case SyncPolicy::Always:
      return DirectoryStorage::Sync::Always;
    case SyncPolicy::Never:
      break;
  }
  return DirectoryStorage::Sync::Never;
}

}  // namespace

Publication::Publication(const LiveSettings& settings, Surroundings& surroundings,
                         const Publication* former)
    : settings_{settings},
      surroundings_{surroundings},
      is_low_latency_{
          settings.low_latency &&
          (settings.location.empty() || settings.origin_port >= 0 || settings.is_location_served)} {
  if (former && former->settings_.location == settings.location &&
      former->settings_.sync_policy == settings.sync_policy) {
    storage_ = former->storage_;
    directory_ = former->directory_;
    storage_->abandon();
  } else if (settings.location.empty()) {
    storage_ = std::make_shared<MemoryStorage>();
  } else {
    auto directory =
        std::make_shared<DirectoryStorage>(settings.location, to_core(settings.sync_policy));
    directory_ = directory.get();
    storage_ = std::move(directory);
  }
  if (!settings.archive.empty())
    archive_ = std::make_unique<Archive>(settings.archive, to_core(settings.sync_policy));
}

Storage::Failure Publication::prepare() {
  if (archive_) {
    if (const auto failure = archive_->prepare())
      return failure;
    // What it keeps is never written over, though the rest begins anew.
    inherited_.reserve(archive_->names());
    for (const auto& name : archive_->names())
      stored_.add(name, size_of(settings_.archive + "/" + name));
  }
  if (directory_)
    if (const auto failure = directory_->prepare())
      return failure;
  if (const auto failure = inherited_.accept(*storage_, target_duration(), now()))
    return failure;
  for (const auto& oddity : inherited_.oddities())
    GST_WARNING("%s", oddity.c_str());
  for (const auto& playlist : inherited_.playlists())
    announce(playlist);
  const auto first = inherited_.next_sequence();
  places_.lock()->next_sequence = first;
  if (!is_encrypted())
    return std::nullopt;
  // The first key must be there before the first segment.
  Keys keys{KeyRotation{first, settings_.key_rotation}};
  if (const auto key = surroundings_.key(first))
    keys.add(first, *key);
  keys_.set(std::move(keys));
  return std::nullopt;
}

void Publication::announce(const std::string& playlist) {
  auto views = views_.lock();
  views->try_emplace(kMasterPlaylist, PlaylistView{.is_master = true});
  views->try_emplace(playlist);
}

Duration Publication::target_duration() const {
  return Duration{static_cast<Duration::rep>(settings_.target_duration)};
}

StructurePtr Publication::request(std::string_view target, std::uint64_t offset) {
  const ResourceTarget wanted{target};
  {
    const auto views = views_.lock();
    if (const auto found = views->find(wanted.name); found != views->end()) {
      // Who comes too early waits for the first segment.
      const auto& view = found->second;
      return view.full ? answer_playlist(wanted.name, view, wanted.query, target_duration())
                       : answer_soon(wanted.name, target_duration());
    }
  }
  return request_file(wanted.name, offset);
}

StructurePtr Publication::request_file(const std::string& name, std::uint64_t offset) {
  const auto file = storage_->read(name, offset);
  if (const auto* found = std::get_if<Content>(&file))
    return answer_file(name, found->chunks, found->is_complete);
  const auto views = views_.lock();
  const bool is_hinted = std::any_of(views->begin(), views->end(), [&name](const auto& entry) {
    return !entry.second.hint.empty() && entry.second.hint == name;
  });
  if (is_hinted)
    return answer_next(name, target_duration());
  const auto& failure = std::get<StorageError>(file);
  if (failure.code == std::errc::no_such_file_or_directory || !is_resource_name(name))
    return answer_missing();
  return answer_unavailable(to_text(failure));
}

StructurePtr Publication::stats() {
  StructurePtr stats{gst_structure_new_empty("application/x-hlslivesink-stats")};
  const auto progress = progress_.get();
  for (const auto& [name, its] : progress) {
    const StructurePtr rendition{gst_structure_new(
        "rendition", "segments", G_TYPE_UINT64, its.segments, "parts", G_TYPE_UINT64, its.parts,
        "gaps", G_TYPE_UINT64, its.gaps, "bytes", G_TYPE_UINT64, its.bytes, "sequence",
        G_TYPE_UINT64, its.sequence, "bandwidth", G_TYPE_UINT64, its.bandwidth, "delay",
        G_TYPE_UINT64, to_gst(its.delay), "worst-delay", G_TYPE_UINT64, to_gst(its.worst_delay),
        nullptr)};
    gst_structure_set(stats.get(), ("rendition-" + name).c_str(), GST_TYPE_STRUCTURE,
                      rendition.get(), nullptr);
  }
  const auto clock = wall_clock_.lock()->stats();
  const char* source = "none";
  if (clock.source)
    source = *clock.source == WallClock::Source::Capture   ? "capture"
             : *clock.source == WallClock::Source::Arrival ? "arrival"
                                                           : "local";
  gst_structure_set(stats.get(), "date-source", G_TYPE_STRING, source, "date-error", G_TYPE_INT64,
                    static_cast<gint64>(clock.off.count()), nullptr);
  return stats;
}

Publication::Place Publication::place_of(const Boundary& boundary) {
  auto places = places_.lock();
  auto& known = places->known;
  const auto found = std::find_if(known.begin(), known.end(), [&boundary](const auto& place) {
    return place.index == boundary.index;
  });
  if (found != known.end())
    return *found;
  auto clock = wall_clock();
  if (boundary.is_break)
    clock->begin_continuity(boundary.at);
  const auto date = clock->at(boundary.at);
  known.push_back({.index = boundary.index,
                   .sequence = places->next_sequence++,
                   .date = date ? std::optional{to_utc(*date)} : std::nullopt});
  if (known.size() > kMostRemembered)
    known.pop_front();
  return known.back();
}

// ---- sessions

Publication::Session::Session(Publication& publication)
    : self_{publication}, now_{publication.surroundings_.now()}, lock_{publication.mutex_} {}

Publication::Session::~Session() {
  auto& surroundings = self_.surroundings_;
  lock_.unlock();
  for (const auto& failure : failures_)
    surroundings.on_failure(failure);
  for (const auto& name : changed_)
    surroundings.on_change(name);
  for (auto& message : messages_)
    surroundings.on_message(std::move(message));
  if (wanted_key_)
    fetch_key(*wanted_key_);
}

// A full disk fails each write, of whatever it is: told once, until it works again.
void Publication::Session::complain(const StorageError& error, std::string_view about) {
  auto& failing = self_.failing_;
  const bool is_known = std::any_of(failing.begin(), failing.end(), [&error](const auto& entry) {
    return entry.second == error.code;
  });
  failing.insert_or_assign(std::string{about}, error.code);
  if (!is_known)
    failures_.push_back(error);
}

bool Publication::Session::judge(const Storage::Failure& failure, std::string_view about) {
  if (failure) {
    complain(*failure, about);
    return false;
  }
  if (const auto known = self_.failing_.find(about); known != self_.failing_.end()) {
    GST_INFO("there is no trouble with %s any more", known->first.c_str());
    self_.failing_.erase(known);
  }
  return true;
}

// ---- keys

// Without the lock: an application may have to ask somebody else.
void Publication::Session::fetch_key(std::uint64_t number) {
  if (const auto key = self_.surroundings_.key(number))
    (*self_.keys_.lock())->add(number, *key);
}

std::optional<Publication::Session::Key> Publication::Session::key_of(std::uint64_t sequence) {
  const auto keys = self_.keys_.lock();
  if (!*keys)
    return std::nullopt;
  const auto key = (*keys)->of(sequence);
  wanted_key_ = (*keys)->missing(sequence + 1);
  if (!key)
    return std::nullopt;
  if (key->is_made) {
    // Whoever is to serve it is told.
    auto* bytes = g_bytes_new(key->bytes.data(), key->bytes.size());
    post(StructurePtr{gst_structure_new("hlslivesink-key", "kid", G_TYPE_UINT64, key->number, "key",
                                        G_TYPE_BYTES, bytes, nullptr)});
    g_bytes_unref(bytes);
  }
  return Key{.bytes = key->bytes, .uri = key_uri(self_.settings_.key_uri, key->number)};
}

bool Publication::Session::replace(const std::string& name, Bytes bytes) {
  const bool done = judge(self_.storage_->replace(name, bytes), "playlists");
  changed_.push_back(name);
  return done;
}

// Only a whole one has worked: a full disk takes empty files still.
bool Publication::Session::begin(const std::string& name, Storage::Kind kind) {
  const auto failure = self_.storage_->begin(name, kind);
  if (failure)
    complain(*failure, name_of(kind));
  return !failure;
}

bool Publication::Session::append(const std::string& name, Storage::Kind kind, Bytes bytes) {
  const auto failure = self_.storage_->append(name, bytes);
  if (failure)
    complain(*failure, name_of(kind));
  changed_.push_back(name);
  return !failure;
}

bool Publication::Session::finish(const std::string& name, Storage::Kind kind) {
  const bool done = judge(self_.storage_->finish(name), name_of(kind));
  changed_.push_back(name);
  return done;
}

void Publication::Session::remove(const std::string& name) {
  if (!self_.archive_)
    self_.stored_.remove(name);
  judge(self_.storage_->remove(name), "removal");
}

void Publication::Session::on_found(const std::string& name) {
  if (const auto path = self_.storage_->path_of(name))
    on_stored(name, size_of(*path));
}

std::vector<std::string> Publication::Session::make_room(MediaPlaylist& playlist) {
  std::vector<std::string> names;
  const auto most = self_.settings_.max_bytes;
  auto& stored = self_.stored_;
  while (most != 0 && stored.total() > most) {
    // The archive has them too: nothing would come of it.
    auto name = self_.archive_ ? std::nullopt : playlist.take_oldest(now_);
    if (!name) {
      if (!std::exchange(self_.is_full_, true))
        post(StructurePtr{gst_structure_new("hlslivesink-full", "bytes", G_TYPE_UINT64,
                                            guint64{stored.total()}, "max-bytes", G_TYPE_UINT64,
                                            most, nullptr)});
      break;
    }
    stored.remove(*name);
    names.push_back(*std::move(name));
  }
  return names;
}

void Publication::Session::give_up(const std::string& name, EncryptionError why) {
  complain({.name = name, .attempt = "encrypt", .code = why}, "encryption");
  remove(name);
  changed_.push_back(name);
}

void Publication::Session::archive(const std::string& playlist, const MediaSegment& segment) {
  if (self_.archive_)
    judge(self_.archive_->add(playlist, self_.target_duration(), segment, *self_.storage_, now_),
          "archive");
}

void Publication::Session::archive_listed(const std::string& playlist,
                                          const std::deque<MediaSegment>& listed) {
  if (self_.archive_)
    judge(self_.archive_->go_on(playlist, self_.target_duration(), listed, *self_.storage_, now_),
          "archive");
}

void Publication::Session::end_archive(const std::string& playlist) {
  if (self_.archive_)
    judge(self_.archive_->end(playlist, now_), "archive");
}

void Publication::Session::publish(const std::string& name, const MediaPlaylist& playlist,
                                   const std::string& hint) {
  std::vector<MediaPlaylist::RenditionReport> others;
  PlaylistView view{.edge = playlist.edge(), .hint = hint};
  if (self_.is_low_latency_) {
    const auto views = self_.views_.lock();
    for (const auto& [other, state] : *views)
      if (!state.is_master && other != name && state.full)
        others.push_back({.uri = other, .edge = state.edge});
  }
  view.full = std::make_shared<const std::string>(playlist.text(MediaPlaylist::Form::Full, others));
  if (self_.is_low_latency_)
    view.delta =
        std::make_shared<const std::string>(playlist.text(MediaPlaylist::Form::Delta, others));
  const auto text = view.full;
  (*self_.views_.lock())[name] = std::move(view);
  replace(name, bytes_of(*text));
  std::vector<std::string> due;
  self_.inherited_.take_due(now_, due);
  for (const auto& file : due)
    remove(file);
  post(StructurePtr{gst_structure_new("hlslivesink-playlist", "uri", G_TYPE_STRING, name.c_str(),
                                      "size", G_TYPE_UINT64, static_cast<guint64>(text->size()),
                                      nullptr)});
}

void Publication::Session::describe(const VariantSet::Stream& stream) {
  if (self_.variants_.describe(stream))
    write_master();
}

void Publication::Session::write_master() {
  auto text = self_.variants_.master().text();
  if (text == self_.master_)
    return;
  self_.master_ = std::move(text);
  (*self_.views_.lock())[kMasterPlaylist] = {
      .full = std::make_shared<const std::string>(self_.master_), .is_master = true};
  replace(kMasterPlaylist, bytes_of(self_.master_));
  if (self_.archive_)
    judge(self_.archive_->replace(kMasterPlaylist, self_.master_), "archive");
}

}  // namespace onair
