// SPDX-License-Identifier: LGPL-2.1-or-later
#include "paired_stream.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

GstPtr<GstPad> request_pad(GstElement* element, const char* name) {
  auto pad = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(element, name));
  if (!pad) {
    ADD_FAILURE() << "no pad " << name;
    std::abort();
  }
  return pad;
}

// Of "audio_0": "audio_src_0".
std::string source_of(std::string name) {
  return name.insert(5, "_src");
}

}  // namespace

PairedStream::PairedStream(ElementBench& bench, const char* name, NameBuffer name_buffer)
    : PadRecorder{bench.clock(), std::move(name_buffer)},
      in_{request_pad(bench.element(), name)},
      name_{GST_OBJECT_NAME(in())},
      out_{bench.static_pad(source_of(name_))} {
  record(out());
  feed(in());
}

PairedStream::~PairedStream() {
  stop();
}

void PairedStream::unlink() {
  gst_pad_unlink(feeder(), in());
  gst_pad_unlink(out(), recorder());
}

void PairedStream::stop() {
  unblock();
  stop_feeding();
}

}  // namespace onair::test
