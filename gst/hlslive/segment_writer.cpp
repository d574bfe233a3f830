// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segment_writer.hpp"

#include <algorithm>
#include <utility>

#include "codecs.hpp"
#include "glue/gsttime.hpp"
#include "glue/mapped_buffer.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_live_sink_debug);
#define GST_CAT_DEFAULT gst_hls_live_sink_debug

namespace onair {
namespace {

Bytes as_bytes(const std::vector<std::uint8_t>& bytes) {
  return std::as_bytes(std::span{bytes});
}

// What players take without an IV attribute (section 4.4.4.4 of the draft): the sequence number.
AesBlock iv_of(std::uint64_t sequence) {
  AesBlock iv{};
  for (auto byte = iv.rbegin(); sequence > 0; ++byte, sequence >>= 8U)
    *byte = static_cast<std::uint8_t>(sequence);
  return iv;
}

// By the stream's own headers, in the caps or in the frame.
std::optional<std::string> codec_of(const GstStructure* caps, GstBuffer* frame) {
  gint version = 0;
  const bool is_audio = gst_structure_get_int(caps, "mpegversion", &version);
  if (is_audio && version == 1)
    return codecs::kMp3;
  auto header = GstPtr<GstBuffer>::share(frame);
  const auto* codec_data = gst_structure_get_value(caps, "codec_data");
  if (codec_data)
    header = GstPtr<GstBuffer>::share(gst_value_get_buffer(codec_data));
  const MappedBuffer mapped{header.get()};
  const auto bytes = mapped.bytes();
  if (is_audio)
    return codec_data ? codecs::aac_from_configuration(bytes) : codecs::aac_from_adts(bytes);
  return codec_data ? codecs::h264_from_configuration(bytes) : codecs::h264_from_byte_stream(bytes);
}

}  // namespace

SegmentWriter::SegmentWriter(Publication& publication, Config config)
    : publication_{publication}, config_{std::move(config)} {
  publication_.announce(playlist_name());
  auto stream = stream_.lock();
  stream->uri = playlist_name();
  stream->number = config_.number;
  stream->is_group = config_.is_group;
}

std::string SegmentWriter::segment_name(std::uint64_t number) const {
  return config_.name + "-" + std::to_string(number) + config_.extension;
}

std::string SegmentWriter::part_name(std::uint64_t number, std::int64_t part) const {
  return config_.name + "-" + std::to_string(number) + "." + std::to_string(part) +
         config_.extension;
}

// Begins with this segment, and with what a process that ended or died left behind: that is listed
// still, and numbers go on (section 6.2.2 of the draft: clients that know the playlist go on with it).
void SegmentWriter::begin_playlist(Session& session) {
  const auto& settings = publication_.settings();
  const auto ns = [](guint64 time) { return Duration{static_cast<Duration::rep>(time)}; };
  MediaPlaylist::Config config{
      .type = settings.playlist_type == PlaylistType::Event ? MediaPlaylist::Type::Event
                                                            : MediaPlaylist::Type::Live,
      .target = ns(settings.target_duration),
      .window = ns(settings.window),
      .first_sequence = sequence_,
  };
  if (settings.start_offset != 0)
    config.start = {.offset = Duration{settings.start_offset}};
  if (publication_.is_low_latency()) {
    config.part_target = part_target_;
    config.can_block_reload = true;
    config.can_skip_until = Duration{0};  // as late as the draft allows
  }
  const auto left = session.inherited().take(playlist_name());
  const auto target = MediaPlaylist{config}.target_duration() / std::chrono::seconds(1);
  // EXT-X-TARGETDURATION never changes (section 6.2.1).
  const bool goes_on = left && !left->has_ended && left->next_media_sequence() == sequence_ &&
                       left->target_duration == static_cast<std::uint64_t>(target);
  if (goes_on)
    config.first_sequence = left->media_sequence;
  if (left)
    config.first_discontinuity_sequence =
        goes_on ? left->discontinuity_sequence : session.inherited().next_discontinuity_sequence();
  playlist_.emplace(config);
  Bandwidth::Config bandwidth{.target_duration = playlist_->target_duration()};
  if (const auto declared = settings.bandwidths.find(config_.name);
      declared != settings.bandwidths.end())
    bandwidth.declared_peak = declared->second;
  bandwidth_.emplace(bandwidth);
  name_offset_ = std::max(session.inherited().next_number(config_.name), sequence_) - sequence_;
  if (left && !goes_on)
    session.inherited().retire(*left, session.now());
  if (!goes_on)
    return;
  is_resumed_ = true;
  resume(*playlist_, *left, session.now());
  session.archive_listed(playlist_name(), playlist_->segments());
  for (const auto& segment : playlist_->segments())
    if (!segment.is_gap)
      session.on_found(segment.uri);
}

void SegmentWriter::describe(MediaKind kind, GstCaps* caps, GstBuffer* first) {
  const auto* structure = gst_caps_get_structure(caps, 0);
  auto codec = codec_of(structure, first);
  auto stream = stream_.lock();
  auto& slot = stream->codecs[kind == MediaKind::Video ? 0 : 1];
  if (codec)
    slot = std::move(*codec);
  gint width = 0;
  gint height = 0;
  gint numerator = 0;
  gint denominator = 1;
  gint channels = 0;
  if (gst_structure_get_int(structure, "width", &width) &&
      gst_structure_get_int(structure, "height", &height))
    stream->resolution = {.width = static_cast<unsigned>(width),
                          .height = static_cast<unsigned>(height)};
  if (gst_structure_get_fraction(structure, "framerate", &numerator, &denominator) && numerator > 0)
    stream->frame_rate = {.numerator = static_cast<std::uint32_t>(numerator),
                          .denominator = static_cast<std::uint32_t>(denominator)};
  if (gst_structure_get_int(structure, "channels", &channels))
    stream->channels = static_cast<unsigned>(channels);
}

std::optional<SegmentWriter::Begin> SegmentWriter::next_begin() {
  auto expected = expected_.lock();
  if (expected->empty() || !std::holds_alternative<Begin>(expected->front()))
    return std::nullopt;
  const auto begin = std::get<Begin>(expected->front());
  expected->pop_front();
  return begin;
}

std::optional<SegmentWriter::Mark> SegmentWriter::next_mark(std::uint64_t id) {
  auto expected = expected_.lock();
  if (expected->empty() || !std::holds_alternative<Mark>(expected->front()))
    return std::nullopt;
  const auto mark = std::get<Mark>(expected->front());
  expected->pop_front();
  return mark.id == id ? std::optional{mark} : std::nullopt;
}

void SegmentWriter::open(Session& session) {
  if (is_open_)
    return;
  const auto begin = next_begin();
  if (!begin)
    return;
  is_open_ = true;
  if (begin->has_new_muxer) {
    tables_.forget();
    early_.clear();
  }
  sequence_ = begin->place.sequence;
  if (!playlist_)
    begin_playlist(session);
  SegmentHead head{.is_discontinuous = begin->is_discontinuous || is_resumed_,
                   .date = begin->place.date,
                   .map = map_};
  is_resumed_ = false;
  cipher_.reset();
  if (const auto key = session.key_of(sequence_)) {
    cipher_ = {.key = key->bytes, .iv = iv_of(sequence_)};
    head.key = {.uri = key->uri};
  } else if (publication_.is_encrypted() && !playlist_->segments().empty()) {
    head.key = playlist_->segments().back().head.key;  // a gap is under no other key
  }
  const auto number = sequence_ + name_offset_;
  segment_file_ = grow(segment_name(number), Storage::Kind::Segment);
  part_ = 0;
  part_file_ = grow(part_name(number, 0), Storage::Kind::Part);
  playlist_->begin_segment(std::move(head));
}

SegmentWriter::Growing SegmentWriter::grow(std::string name, Storage::Kind kind) const {
  Growing file{.name = std::move(name), .kind = kind};
  if (cipher_)
    file.encryptor.emplace(cipher_->key, cipher_->iv);
  return file;
}

void SegmentWriter::append(Session& session, Growing& file, Bytes bytes) {
  if (!std::exchange(file.has_begun, true))
    file.has_failed = !session.begin(file.name, file.kind);
  if (file.has_failed || bytes.empty())
    return;
  file.has_failed = !session.append(file.name, file.kind, bytes);
  file.size += bytes.size();
}

void SegmentWriter::give_up(Session& session, Growing& file, EncryptionError why) {
  file.has_failed = true;
  session.give_up(file.name, why);
}

// Where segments are encrypted, nothing goes out as it is, whatever is wrong.
void SegmentWriter::write(Session& session, Growing& file, Bytes bytes) {
  if (file.has_failed)
    return;
  if (!publication_.is_encrypted())
    append(session, file, bytes);
  else if (!file.encryptor)
    give_up(session, file, EncryptionError::NoKey);
  else if (const auto encrypted = file.encryptor->update(bytes))
    append(session, file, *encrypted);
  else
    give_up(session, file, EncryptionError::Refused);
}

void SegmentWriter::finish(Session& session, Growing& file) {
  if (file.encryptor && file.is_whole()) {
    if (const auto rest = file.encryptor->finish()) {
      append(session, file, *rest);
      session.on_encrypted();
    } else {
      give_up(session, file, EncryptionError::Refused);
    }
  }
  if (file.is_whole())
    file.has_failed = !session.finish(file.name, file.kind);
}

// Each file begins with them. Whatever is decoded before the first sound (pictures, with others between
// them and the key frame, or sound that begins late) comes out in front of the first tables, which the
// muxer writes in front of packets with its clock: it goes behind them.
void SegmentWriter::add_tables(std::vector<std::uint8_t>& packets) {
  const auto& file = publication_.is_low_latency() ? part_file_ : segment_file_;
  if (!tables_.are_known()) {
    tables_.pass(packets);
    const auto place = static_cast<std::ptrdiff_t>(tables_.leading(packets));
    packets.insert(packets.begin() + place, early_.begin(), early_.end());
    early_.clear();
    if (!tables_.are_known())
      early_.swap(packets);
    return;
  }
  const auto tables = file.size == 0 && !TransportTables::begins_with_tables(packets)
                          ? tables_.repeat()
                          : std::vector<std::uint8_t>{};
  tables_.pass(packets);
  packets.insert(packets.begin(), tables.begin(), tables.end());
}

GstFlowReturn SegmentWriter::on_bytes(std::vector<std::uint8_t> bytes) {
  Session session{publication_};
  open(session);
  if (map_.empty())
    add_tables(bytes);
  if (bytes.empty())
    return GST_FLOW_OK;
  write(session, segment_file_, as_bytes(bytes));
  if (publication_.is_low_latency())
    write(session, part_file_, as_bytes(bytes));
  return GST_FLOW_OK;
}

GstFlowReturn SegmentWriter::on_header(std::vector<std::uint8_t> bytes) {
  Session session{publication_};
  map_number_ = std::max(
      {session.next_sequence(), session.inherited().next_number(config_.name), map_number_ + 1});
  map_ = config_.name + "-init-" + std::to_string(map_number_) + ".mp4";
  session.replace(map_, as_bytes(bytes));
  return GST_FLOW_OK;
}

void SegmentWriter::on_part_end(std::uint64_t id) {
  Session session{publication_};
  open(session);
  const auto mark = next_mark(id);
  if (!mark) {
    GST_ERROR("part %" G_GUINT64_FORMAT " of %s is none that was expected", id,
              config_.name.c_str());
    return;
  }
  if (mark->part)
    end_part(session, *mark->part);
  if (mark->segment)
    end_segment(session, *mark->segment);
  if (!mark->segment && !publication_.is_low_latency())
    return;
  publish(session);
  if (mark->segment)
    session.archive(playlist_name(), playlist_->segments().back());
  auto progress = session.progress();
  auto& its = (*progress)[config_.name];
  its.delay = publication_.now() - mark->complete;
  its.worst_delay = std::max(its.worst_delay, its.delay);
}

void SegmentWriter::end_part(Session& session, const PartAssembler::EndPart& part) {
  if (!publication_.is_low_latency())
    return;
  auto& file = part_file_;
  finish(session, file);
  const bool is_gap = !file.is_whole();
  playlist_->add_part({.uri = file.name,
                       .duration = part.duration(),
                       .is_independent = part.is_independent,
                       .is_gap = is_gap});
  session.post(StructurePtr{gst_structure_new(
      "hlslivesink-part", "rendition", G_TYPE_STRING, config_.name.c_str(), "sequence",
      G_TYPE_UINT64, sequence_, "part", G_TYPE_UINT64, static_cast<guint64>(part.part), "uri",
      G_TYPE_STRING, file.name.c_str(), "running-time", G_TYPE_UINT64, to_gst(part.start),
      "duration", G_TYPE_UINT64, to_gst(part.duration()), "size", G_TYPE_UINT64, file.size, "gap",
      G_TYPE_BOOLEAN, is_gap, nullptr)});
  ++(*session.progress())[config_.name].parts;
  ++part_;
  part_file_ = grow(part_name(sequence_ + name_offset_, part_), Storage::Kind::Part);
}

void SegmentWriter::end_segment(Session& session, const PartAssembler::EndSegment& segment) {
  auto& file = segment_file_;
  finish(session, file);
  const bool is_gap = !file.is_whole();
  playlist_->end_segment(file.name, segment.duration(), session.now(), is_gap);
  if (!is_gap) {
    bandwidth_->on_segment(file.size, segment.duration());
    session.on_stored(file.name, file.size);
  }
  session.post(StructurePtr{gst_structure_new(
      "hlslivesink-segment", "rendition", G_TYPE_STRING, config_.name.c_str(), "sequence",
      G_TYPE_UINT64, sequence_, "uri", G_TYPE_STRING, file.name.c_str(), "running-time",
      G_TYPE_UINT64, to_gst(segment.start), "duration", G_TYPE_UINT64, to_gst(segment.duration()),
      "size", G_TYPE_UINT64, file.size, "gap", G_TYPE_BOOLEAN, is_gap, nullptr)});
  if (segment.duration() >= playlist_->too_long())
    GST_WARNING("segment %s lasts %.3f s: players were promised less", file.name.c_str(),
                in_ms(segment.duration()) / 1e3);
  is_open_ = false;
  part_file_ = {.name = part_name(sequence_ + 1 + name_offset_, 0)};  // so far only hinted at
  auto stream = stream_.get();
  stream.bandwidth = bandwidth_->peak().value_or(0);
  stream.average_bandwidth = bandwidth_->average().value_or(0);
  session.describe(stream);
  auto progress = session.progress();
  auto& its = (*progress)[config_.name];
  ++its.segments;
  its.gaps += is_gap ? 1U : 0U;
  its.bytes += file.size;
  its.sequence = sequence_;
  its.bandwidth = stream.bandwidth;
}

void SegmentWriter::publish(Session& session) {
  if (publication_.is_low_latency())
    playlist_->hint(part_file_.name);
  const auto spare = session.make_room(*playlist_);
  session.publish(playlist_name(), *playlist_, part_file_.name);
  for (const auto& name : spare)
    session.remove(name);
  for (const auto& name : playlist_->expire(session.now()))
    session.remove(name);
}

void SegmentWriter::finish() {
  Session session{publication_};
  if (!playlist_)
    return;
  playlist_->end(session.now());
  session.publish(playlist_name(), *playlist_, {});
  session.end_archive(playlist_name());
}

}  // namespace onair
