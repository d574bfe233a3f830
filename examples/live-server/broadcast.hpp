// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <variant>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "settings.hpp"

namespace live {

// From one publisher's RTP to segments and a playlist in a folder of their own: a bin of stock
// elements. Sound: Opus → MP3, without a hole; picture: decoded, brought to a constant
// size, and encoded again, so that whatever the publisher does, players see one steady stream.
class Broadcast {
 public:
  // Later: it has been promised, and until it comes there is silence, or black.
  enum class Stream { None, Later, Here };
  struct Segments {
    guint64 begun = 0;
    guint64 missed = 0;          // places where one should have begun, and none did
    gint64 error_ns = 0;         // of the newest one's beginning, from its place
    guint64 worst_error_ns = 0;  // so far
  };

  // The bin goes into `pipeline`. The folder is <dir>/<id>, and the playlist's entries begin with
  // "<id>/". An error is a sentence for a person.
  static std::variant<std::unique_ptr<Broadcast>, std::string> create(GstBin* pipeline,
                                                                      const Settings& settings,
                                                                      const std::string& id,
                                                                      Stream audio, Stream video);
  // Takes the bin out of the pipeline. Leaves a playlist that says that it has ended.
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  // Links a pad of the ingest to the branch of its media.
  bool link(GstPad* source, bool is_audio);
  // Nothing comes any more for what has not been linked.
  void end_unlinked();
  [[nodiscard]] bool owns(GstObject* object) const;
  [[nodiscard]] Segments segments() const;
  [[nodiscard]] const std::string& playlist_path() const { return playlist_path_; }
  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  Broadcast(GstBin* pipeline, std::string id, std::string folder);

  GstBin* pipeline_;
  std::string id_;
  std::string playlist_path_;
  onair::GstPtr<GstElement> bin_;
};

}  // namespace live
