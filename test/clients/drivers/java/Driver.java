// The driver of Kafka's own client for Java. The contract is in ../README.md.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public final class Driver {
  private static final Duration POLL = Duration.ofMillis(100);
  private static final long COMMIT_NANOS = Duration.ofMillis(200).toNanos();
  private static final Duration SEEN_MAX = Duration.ofSeconds(5);
  private static final String PADDING = ":" + "x".repeat(100);
  private static final PrintStream OUT =
      new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final JsonNode action;
  private final String topic;

  private Driver(JsonNode action) {
    this.action = action;
    this.topic = action.path("topic").asText();
  }

  public static void main(String[] words) {
    try {
      JsonNode action = JSON.readTree(words[words.length - 1]);
      new Driver(action).run();
      System.exit(0);
    } catch (UnsupportedVersionException fault) {
      // The client looked at what the brokers offer and found too little.
      print("error", fault.getMessage());
      System.exit(3);
    } catch (Throwable fault) {
      fault.printStackTrace();
      print("error", fault.toString());
      System.exit(1);
    }
  }

  private void run() throws Exception {
    switch (action.path("action").asText()) {
      case "version" -> print("version", "kafka-clients " + AppInfoParser.getVersion()
          + " on Java " + System.getProperty("java.version"));
      case "produce" -> produce();
      case "consume" -> new Member().consume();
      case "seek" -> seek();
      case "admin" -> administer();
      default -> print("unsupported", "there is no such action");
    }
  }

  /** One line, whole: callbacks come on the client's own threads. */
  private static synchronized void print(Object... namesAndValues) {
    Map<String, Object> line = new java.util.LinkedHashMap<>();
    for (int k = 0; k < namesAndValues.length; k += 2) {
      line.put((String) namesAndValues[k], namesAndValues[k + 1]);
    }
    try {
      OUT.println(JSON.writeValueAsString(line));
    } catch (java.io.IOException fault) {
      throw new IllegalStateException(fault);
    }
  }

  private Map<String, Object> settings() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", action.path("bootstrap").asText());
    settings.put("client.id", "java");
    return settings;
  }

  // ---- produce

  private void produce() throws InterruptedException {
    String codec = action.path("codec").asText("none");
    Map<String, Object> settings = settings();
    settings.put("acks", "all");
    settings.put("compression.type", codec);
    settings.put("enable.idempotence", action.path("idempotent").asBoolean());
    if (!codec.equals("none")) settings.put("linger.ms", 50);
    int first = action.path("first").asInt();
    int end = first + action.path("count").asInt();
    var strings = new StringSerializer();
    try (var producer = new KafkaProducer<String, String>(settings, strings, strings)) {
      var pace = new Pace(action.path("perSecond").asInt(0));
      for (int n = first; n < end; n++) {
        pace.await(n - first);
        send(producer, n);
      }
      producer.flush();
    }
    print("done", true);
  }

  private void send(KafkaProducer<String, String> producer, int n) {
    int partition = n % action.path("partitions").asInt();
    var record = new ProducerRecord<>(topic, partition, "k" + n, "v" + n + PADDING);
    try {
      producer.send(record, (stored, fault) -> {
        if (fault == null) print("acked", n);
        else print("error", fault.toString(), "n", n);
      });
    } catch (KafkaException fault) {
      print("error", fault.toString(), "n", n);
    }
  }

  /** So many a second, in portions of 20 ms; as fast as can be with 0. */
  private static final class Pace {
    private final int perSecond;
    private final long began = System.nanoTime();

    Pace(int perSecond) {
      this.perSecond = perSecond;
    }

    void await(int sent) throws InterruptedException {
      if (perSecond == 0) return;
      while (sent >= perSecond * ((System.nanoTime() - began) / 1e9 + 0.02)) Thread.sleep(20);
    }
  }

  // ---- consume

  private final class Member implements ConsumerRebalanceListener {
    /** Processed and not yet committed. */
    private final Map<TopicPartition, OffsetAndMetadata> processed = new HashMap<>();
    private final KafkaConsumer<String, String> consumer;
    private volatile boolean isStopped = false;

    Member() {
      Map<String, Object> settings = settings();
      settings.put("group.id", action.path("group").asText());
      settings.put("group.protocol", action.path("protocol").asText("classic"));
      settings.put("enable.auto.commit", false);
      settings.put("auto.offset.reset", action.path("fromStart").asBoolean() ? "earliest" : "latest");
      if (action.hasNonNull("instanceId")) {
        settings.put("group.instance.id", action.path("instanceId").asText());
      }
      if (settings.get("group.protocol").equals("classic")) {
        settings.put("session.timeout.ms", 10_000);
        settings.put("heartbeat.interval.ms", 500);
      }
      var strings = new StringDeserializer();
      consumer = new KafkaConsumer<>(settings, strings, strings);
    }

    void consume() {
      var input = new Thread(() -> {
        try {
          for (int letter = 0; letter != -1 && letter != '\n'; ) letter = System.in.read();
        } catch (java.io.IOException fault) {
          print("error", fault.toString());
        }
        isStopped = true;
      });
      input.setDaemon(true);
      input.start();
      consumer.subscribe(List.of(topic), this);
      long committedAt = System.nanoTime();
      while (!isStopped) {
        poll();
        if (System.nanoTime() - committedAt < COMMIT_NANOS) continue;
        commit();
        committedAt = System.nanoTime();
      }
      commit();
      consumer.close();
    }

    private void poll() {
      try {
        for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
          print("record", List.of(record.partition(), record.offset(), nameOf(record)));
          processed.put(
              new TopicPartition(topic, record.partition()),
              new OffsetAndMetadata(record.offset() + 1));
        }
      } catch (FencedInstanceIdException | UnsupportedVersionException fault) {
        throw fault;
      } catch (KafkaException fault) {
        print("error", fault.toString());
      }
    }

    private void commit() {
      if (processed.isEmpty()) return;
      try {
        consumer.commitSync(processed);
        processed.forEach((place, next) ->
            print("committed", List.of(place.partition(), next.offset())));
        processed.clear();
      } catch (FencedInstanceIdException fault) {
        throw fault;
      } catch (KafkaException fault) {
        print("error", "commit: " + fault);
      }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> places) {
      commit();
      onPartitionsLost(places);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> places) {
      processed.keySet().removeAll(places);
      if (!places.isEmpty()) print("revoked", numbers(places));
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> places) {
      print("assigned", numbers(places));
      int generation = consumer.groupMetadata().generationId();
      print("owns", numbers(consumer.assignment()), "generation", generation);
    }
  }

  private static List<Integer> numbers(Collection<TopicPartition> places) {
    return places.stream().map(TopicPartition::partition).sorted().collect(Collectors.toList());
  }

  private static String nameOf(ConsumerRecord<String, String> record) {
    return record.value().substring(0, record.value().indexOf(':'));
  }

  // ---- seek

  private void seek() {
    Map<String, Object> settings = settings();
    settings.put("enable.auto.commit", false);
    var strings = new StringDeserializer();
    try (var consumer = new KafkaConsumer<>(settings, strings, strings)) {
      long timestampMs = action.path("timestampMs").asLong();
      Map<TopicPartition, Long> asked = new HashMap<>();
      for (PartitionInfo partition : consumer.partitionsFor(topic)) {
        asked.put(new TopicPartition(topic, partition.partition()), timestampMs);
      }
      Map<TopicPartition, OffsetAndTimestamp> answers = consumer.offsetsForTimes(asked);
      Map<TopicPartition, Long> found = new HashMap<>();
      for (TopicPartition place : asked.keySet()) {
        OffsetAndTimestamp answer = answers.get(place);
        print("found", List.of(place.partition(), answer == null ? -1 : answer.offset()));
        if (answer != null) found.put(place, answer.offset());
      }
      consumer.assign(found.keySet());
      found.forEach(consumer::seek);
      while (!found.isEmpty()) {
        for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
          var place = new TopicPartition(topic, record.partition());
          if (found.remove(place) == null) continue;
          print("record", List.of(record.partition(), record.offset(), nameOf(record)));
          consumer.pause(List.of(place));
        }
      }
    }
  }

  // ---- admin

  private void administer() throws Exception {
    try (var admin = Admin.create(settings())) {
      var small = new NewTopic(topic, 3, (short) 3).configs(Map.of("retention.ms", "60000"));
      admin.createTopics(List.of(small)).all().get();
      print("created", true);
      print("described", described(admin, 3, 60_000));
      var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      var longer = new AlterConfigOp(
          new ConfigEntry("retention.ms", "120000"), AlterConfigOp.OpType.SET);
      admin.incrementalAlterConfigs(Map.of(resource, List.of(longer))).all().get();
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
      print("altered", described(admin, 5, 120_000));
      admin.deleteTopics(List.of(topic)).all().get();
      print("deleted", true);
    }
  }

  /** What the brokers say; once more while it is not what was asked for and brokers may not have heard of it. */
  private Map<String, Object> described(Admin admin, int partitions, long retentionMs)
      throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    long giveUpAt = System.nanoTime() + SEEN_MAX.toNanos();
    for (;;) {
      Map<String, Object> seen = new TreeMap<>();
      try {
        var topics = admin.describeTopics(List.of(topic)).allTopicNames().get();
        var configs = admin.describeConfigs(List.of(resource)).all().get();
        seen.put("partitions", topics.get(topic).partitions().size());
        seen.put("retentionMs", Long.parseLong(configs.get(resource).get("retention.ms").value()));
        if (seen.equals(Map.of("partitions", partitions, "retentionMs", retentionMs))) return seen;
      } catch (java.util.concurrent.ExecutionException fault) {
        if (System.nanoTime() > giveUpAt) throw fault;
      }
      if (System.nanoTime() > giveUpAt) return seen;
      Thread.sleep(50);
    }
  }
}
