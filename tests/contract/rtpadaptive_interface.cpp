// SPDX-License-Identifier: LGPL-2.1-or-later
// What rtpadaptivejitterbuffer shows to the outside, compared with the rtpjitterbuffer that is
// installed: whoever knows how to drive one can drive the other, and a newer GStreamer whose jitter
// buffer has something new fails here and says what.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "gst_environment.hpp"
#include "rtp_jitterbuffer.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

// Properties of stock's that ours does not have, and why.
const std::map<std::string, std::string> kLeftOutProperties{
    {"mode", "PTS always follow the sender's media clock, which is stock's mode slave"},
    {"percent", "the fill level of mode=buffer"},
    {"faststart-min-packets", "no packet waits for a start"},
    {"rfc7273-sync", "the sender's clock is estimated from the packets, not read from a network"},
    {"rfc7273-use-system-clock", "since 1.24, as rfc7273-sync"},
    {"rfc7273-reference-timestamp-meta-only", "since 1.24, as rfc7273-sync"},
    {"min-sync-interval",
     "since 1.26, repeats the last report for receivers of RTSP; nobody sets it"},
};

// Defaults that GStreamer itself has changed, each with those it has had. Ours has one of them.
const std::map<std::string, std::vector<int>> kChangedDefaults{
    {"max-rtcp-rtp-time-diff", {1000, -1}},  // until 1.24, since 1.26
};

// Properties whose range is smaller than stock's, and why nobody will notice.
const std::map<std::string, std::string> kNarrower{
    {"max-ts-offset-adjustment", "signed nanoseconds: 292 years instead of 584"},
};

const std::map<std::string, std::string> kOtherDefaults{
    {"add-reference-timestamp-meta", "the aligner wants the sender's time"},
    // Stock's own is of no use from 1.26 to 1.28: it has the id of sync-interval and writes that.
    {"rtx-next-seqnum", "asks for packets that nobody has shown to exist"},
};

const std::map<std::string, std::string> kLeftOutStats{
    {"rfc7273-active", "since 1.26, as rfc7273-sync"},
};

struct ParamSpecsFree {
  void operator()(GParamSpec** specs) const { g_free(specs); }
};

class Value {
 public:
  explicit Value(GType type) { g_value_init(&value_, type); }
  ~Value() { g_value_unset(&value_); }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  [[nodiscard]] GValue* get() { return &value_; }
  [[nodiscard]] std::string text() const {
    return GMemory<char>{g_strdup_value_contents(&value_)}.get();
  }

 private:
  GValue value_ = G_VALUE_INIT;
};

std::string read_or_written(const GParamSpec* spec) {
  return std::string{(spec->flags & G_PARAM_READABLE) != 0 ? "readable " : ""} +
         ((spec->flags & G_PARAM_WRITABLE) != 0 ? "writable " : "") +
         ((spec->flags & G_PARAM_CONSTRUCT_ONLY) != 0 ? "construct-only" : "");
}

// The smallest and the largest value that `type` can hold, where it is a number.
bool set_extreme(GValue* value, bool is_largest) {
  switch (G_VALUE_TYPE(value)) {
    case G_TYPE_INT:
      g_value_set_int(value, is_largest ? G_MAXINT : G_MININT);
      return true;
    case G_TYPE_UINT:
      g_value_set_uint(value, is_largest ? G_MAXUINT : 0);
      return true;
    case G_TYPE_INT64:
      g_value_set_int64(value, is_largest ? G_MAXINT64 : G_MININT64);
      return true;
    case G_TYPE_UINT64:
      g_value_set_uint64(value, is_largest ? G_MAXUINT64 : 0);
      return true;
    default:
      return false;
  }
}

class JitterBufferInterface : public testing::Test {
 protected:
  void SetUp() override {
    ours_ = GstPtr<GstElement>::sink(make_element(jitterbuffer_factory()));
    stock_ = GstPtr<GstElement>::sink(make_element(kStockJitterBuffer));
    if (!ours_ || !stock_)
      GTEST_FAIL() << "one of the two is missing";
    ours_type_ = G_OBJECT_TYPE(ours_.get());
    stock_type_ = G_OBJECT_TYPE(stock_.get());
  }

  [[nodiscard]] GParamSpec* our_property(const char* name) const {
    return g_object_class_find_property(G_OBJECT_GET_CLASS(ours_.get()), name);
  }
  // All that stock's class adds to an element.
  [[nodiscard]] std::vector<GParamSpec*> stock_properties() const {
    guint count = 0;
    const std::unique_ptr<GParamSpec*, ParamSpecsFree> specs{
        g_object_class_list_properties(G_OBJECT_GET_CLASS(stock_.get()), &count)};
    std::vector<GParamSpec*> properties;
    for (guint i = 0; i < count; ++i) {
      if (specs.get()[i]->owner_type == stock_type_)
        properties.push_back(specs.get()[i]);
    }
    return properties;
  }
  // Those that both have, with stock's first.
  [[nodiscard]] std::vector<std::pair<GParamSpec*, GParamSpec*>> common_properties() const {
    std::vector<std::pair<GParamSpec*, GParamSpec*>> both;
    for (auto* property : stock_properties()) {
      if (auto* own = our_property(property->name))
        both.emplace_back(property, own);
    }
    return both;
  }
  static StructurePtr stats_of(GstElement* element) {
    GstStructure* raw = nullptr;
    g_object_get(element, "stats", &raw, nullptr);
    return StructurePtr{raw};
  }

  GstPtr<GstElement> ours_;
  GstPtr<GstElement> stock_;
  GType ours_type_ = 0;
  GType stock_type_ = 0;
};

TEST_F(JitterBufferInterface, EveryPropertyOfStockIsThereOrLeftOutForAReason) {
  ASSERT_GE(stock_properties().size(), 25u);
  for (const auto* property : stock_properties()) {
    EXPECT_TRUE(our_property(property->name) || kLeftOutProperties.contains(property->name))
        << "rtpjitterbuffer has a property that ours has neither taken nor refused: "
        << property->name << " (" << g_type_name(property->value_type) << "), "
        << g_param_spec_get_blurb(const_cast<GParamSpec*>(property));
  }
}

TEST_F(JitterBufferInterface, WhatIsLeftOutIsNotThere) {
  if (is_stock_under_test())
    GTEST_SKIP() << "stock leaves nothing out";
  for (const auto& [name, reason] : kLeftOutProperties)
    EXPECT_FALSE(our_property(name.c_str())) << name << " is said to be left out: " << reason;
}

TEST_F(JitterBufferInterface, PropertiesHaveStocksTypes) {
  for (const auto& [property, own] : common_properties())
    EXPECT_STREQ(g_type_name(own->value_type), g_type_name(property->value_type)) << own->name;
}

TEST_F(JitterBufferInterface, PropertiesAreReadAndWrittenWhereStocksAre) {
  for (const auto& [property, own] : common_properties())
    EXPECT_EQ(read_or_written(own), read_or_written(property)) << own->name;
}

TEST_F(JitterBufferInterface, PropertiesHaveStocksDefaults) {
  for (const auto& [property, own] : common_properties()) {
    if (own->value_type != property->value_type || kOtherDefaults.contains(own->name))
      continue;
    Value value{own->value_type};
    g_param_value_set_default(own, value.get());
    const auto changed = kChangedDefaults.find(own->name);
    if (changed != kChangedDefaults.end()) {
      const int number = g_value_get_int(value.get());
      EXPECT_TRUE(std::find(changed->second.begin(), changed->second.end(), number) !=
                  changed->second.end())
          << own->name << " is " << number << " by default, which stock's never was";
      continue;
    }
    EXPECT_TRUE(g_param_value_defaults(property, value.get()))
        << own->name << " is " << value.text() << " by default";
  }
}

TEST_F(JitterBufferInterface, NewElementsHaveTheValuesThatTheirClassCallsDefaults) {
  for (const auto& [property, own] : common_properties()) {
    if (own->value_type == GST_TYPE_STRUCTURE)
      continue;  // measured, so without a default
    Value value{own->value_type};
    g_object_get_property(G_OBJECT(ours_.get()), own->name, value.get());
    EXPECT_TRUE(g_param_value_defaults(own, value.get()))
        << own->name << " is " << value.text() << " in a new element";
  }
}

TEST_F(JitterBufferInterface, WhatMayBeSetOnStockMayBeSetOnOurs) {
  for (const auto& [property, own] : common_properties()) {
    if (own->value_type != property->value_type || kNarrower.contains(own->name))
      continue;
    for (const bool is_largest : {false, true}) {
      Value value{own->value_type};
      if (!set_extreme(value.get(), is_largest))
        continue;
      g_param_value_validate(property, value.get());  // brings it into stock's range
      const auto extreme = value.text();
      EXPECT_FALSE(g_param_value_validate(own, value.get()))
          << own->name << " can be " << extreme << " on stock; here that becomes " << value.text();
    }
  }
}

TEST_F(JitterBufferInterface, WhatIsSetIsReadBack) {
  for (const auto& [property, own] : common_properties()) {
    if ((own->flags & G_PARAM_WRITABLE) == 0)
      continue;
    Value value{own->value_type};
    if (G_TYPE_IS_ENUM(own->value_type))
      continue;
    Value number{G_TYPE_INT};
    g_value_set_int(number.get(), own->value_type == G_TYPE_BOOLEAN ? 1 : 77);
    if (!g_value_transform(number.get(), value.get()))
      continue;
    const auto element = GstPtr<GstElement>::sink(make_element(jitterbuffer_factory()));
    g_object_set_property(G_OBJECT(element.get()), own->name, value.get());
    Value read{own->value_type};
    g_object_get_property(G_OBJECT(element.get()), own->name, read.get());
    EXPECT_EQ(read.text(), value.text()) << own->name;
  }
}

TEST_F(JitterBufferInterface, EverySignalOfStockIsThereWithItsParametersAndReturnType) {
  guint count = 0;
  const GMemory<guint> ids{g_signal_list_ids(stock_type_, &count)};
  ASSERT_GE(count, 5u);
  for (guint i = 0; i < count; ++i) {
    GSignalQuery theirs;
    g_signal_query(ids.get()[i], &theirs);
    const guint id = g_signal_lookup(theirs.signal_name, ours_type_);
    EXPECT_NE(id, 0u) << "rtpjitterbuffer has a signal that ours has not: " << theirs.signal_name;
    if (id == 0)
      continue;
    SCOPED_TRACE(theirs.signal_name);
    GSignalQuery own;
    g_signal_query(id, &own);
    EXPECT_STREQ(g_type_name(own.return_type & ~G_SIGNAL_TYPE_STATIC_SCOPE),
                 g_type_name(theirs.return_type & ~G_SIGNAL_TYPE_STATIC_SCOPE));
    EXPECT_EQ(own.signal_flags & G_SIGNAL_ACTION, theirs.signal_flags & G_SIGNAL_ACTION)
        << "applications emit only actions";
    ASSERT_EQ(own.n_params, theirs.n_params);
    for (guint p = 0; p < own.n_params; ++p)
      EXPECT_STREQ(g_type_name(own.param_types[p] & ~G_SIGNAL_TYPE_STATIC_SCOPE),
                   g_type_name(theirs.param_types[p] & ~G_SIGNAL_TYPE_STATIC_SCOPE))
          << "parameter " << p;
  }
}

// Name, direction, presence and caps of each.
std::set<std::string> pad_templates(GstElement* element) {
  std::set<std::string> templates;
  for (GList* item = gst_element_class_get_pad_template_list(GST_ELEMENT_GET_CLASS(element)); item;
       item = item->next) {
    auto* pad_template = GST_PAD_TEMPLATE(item->data);
    const auto caps = GstPtr<GstCaps>::adopt(gst_pad_template_get_caps(pad_template));
    const GMemory<char> text{gst_caps_to_string(caps.get())};
    templates.insert(std::string{GST_PAD_TEMPLATE_NAME_TEMPLATE(pad_template)} + " " +
                     (GST_PAD_TEMPLATE_DIRECTION(pad_template) == GST_PAD_SRC ? "src" : "sink") +
                     " " + std::to_string(GST_PAD_TEMPLATE_PRESENCE(pad_template)) + " " +
                     text.get());
  }
  return templates;
}

TEST_F(JitterBufferInterface, PadTemplatesAreStocks) {
  EXPECT_EQ(pad_templates(ours_.get()), pad_templates(stock_.get()));
}

TEST_F(JitterBufferInterface, RtcpPadIsGivenOnceAndTakenBackAndGivenAgain) {
  for (int round = 0; round < 2; ++round) {
    const auto pad =
        GstPtr<GstPad>::adopt(gst_element_request_pad_simple(ours_.get(), "sink_rtcp"));
    ASSERT_TRUE(pad);
    EXPECT_STREQ(GST_PAD_NAME(pad.get()), "sink_rtcp");  // rtpbin looks for no other name
    EXPECT_TRUE(gst_pad_is_active(pad.get()));           // the element may be PLAYING by then
    gst_element_release_request_pad(ours_.get(), pad.get());
  }
}

TEST_F(JitterBufferInterface, StatisticsHaveStocksFieldsAndTypes) {
  const auto ours = stats_of(ours_.get());
  const auto stock = stats_of(stock_.get());
  ASSERT_TRUE(ours);
  ASSERT_TRUE(stock);
  EXPECT_STREQ(gst_structure_get_name(ours.get()), gst_structure_get_name(stock.get()));
  const auto our_fields = field_types(ours.get());
  for (const auto& [name, type] : field_types(stock.get())) {
    if (kLeftOutStats.contains(name))
      continue;
    const auto own = our_fields.find(name);
    if (own == our_fields.end())
      ADD_FAILURE() << "rtpjitterbuffer counts what ours does not: " << name << " (" << type << ")";
    else
      EXPECT_EQ(own->second, type) << name;
  }
}

// webrtcbin reads these in one call and does not look whether it succeeded: one that is missing, or
// of another type, makes it report whatever is on its stack.
TEST_F(JitterBufferInterface, StatisticsHaveWhatWebrtcbinReadsUnseen) {
  for (const auto* field : {"num-lost", "num-duplicates", "num-late", "rtx-success-count"})
    EXPECT_EQ(stats_count(ours_.get(), field), 0u) << field;
}

}  // namespace
}  // namespace onair::test
