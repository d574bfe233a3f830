// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <variant>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "output.hpp"
#include "settings.hpp"

namespace live {

// From one publisher's RTP to what the output takes. Sound: Opus → MP3, without a hole; picture: decoded,
// brought to a constant size, and encoded again, so that whatever the publisher does, players see one
// steady stream.
class Broadcast {
 public:
  // Later: it has been promised, and until it comes there is silence, or black.
  enum class Stream { None, Later, Here };
  // Posted by the bin for each of its streams that has come to its end.
  static constexpr const char* kEndMessage = "live-stream-ended";

  // The bin goes into `pipeline` and feeds `output`. An error is a sentence for a person.
  static std::variant<std::unique_ptr<Broadcast>, std::string> create(GstBin* pipeline,
                                                                      const Settings& settings,
                                                                      Output& output, Stream audio,
                                                                      Stream video);
  // Takes the bin out of the pipeline.
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  // Links a pad of the ingest to the branch of its media.
  bool link(GstPad* source, bool is_audio);
  // Nothing comes any more for what has not been linked.
  void end_unlinked();
  [[nodiscard]] bool owns(GstObject* object) const;
  // Whether that was the last one.
  [[nodiscard]] bool on_stream_end() { return --streams_ == 0; }

 private:
  explicit Broadcast(GstBin* pipeline) : pipeline_{pipeline} {}

  GstBin* pipeline_;
  onair::GstPtr<GstElement> bin_;
  unsigned streams_ = 0;  // that have not ended
};

}  // namespace live
