// A Kafka Streams application for the row of its own: counts words, at least once. `WordCount '<json>'` with bootstrap,
// application, input, output and stateDirectory; {"state": "…"} for each state, {"error": "…"} for what reaches the
// application. The record `v<n>:…` of the input is the two words `a<n mod 7>` and `b<n mod 11>`; the output has `word=count`.
// Ends at a line on standard input.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Materialized;

public final class WordCount {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] words) throws IOException {
    JsonNode asked = JSON.readTree(words[words.length - 1]);
    var streams = new KafkaStreams(topology(asked), settings(asked));
    streams.setStateListener((next, before) -> print("state", next.name()));
    streams.setUncaughtExceptionHandler(fault -> {
      fault.printStackTrace();
      print("error", fault.toString());
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    for (int letter = 0; letter != -1 && letter != '\n'; ) letter = System.in.read();
    streams.close(Duration.ofSeconds(20));
  }

  private static Topology topology(JsonNode asked) {
    var builder = new StreamsBuilder();
    builder.<String, String>stream(asked.path("input").asText())
        .flatMapValues(WordCount::wordsOf)
        .groupBy((key, word) -> word)
        .count(Materialized.as("counts"))
        .toStream()
        .mapValues((word, count) -> word + "=" + count)
        .to(asked.path("output").asText());
    return builder.build();
  }

  private static List<String> wordsOf(String value) {
    int n = Integer.parseInt(value.substring(1, value.indexOf(':')));
    return List.of("a" + n % 7, "b" + n % 11);
  }

  private static Properties settings(JsonNode asked) {
    var settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, asked.path("application").asText());
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, asked.path("bootstrap").asText());
    settings.put(StreamsConfig.STATE_DIR_CONFIG, asked.path("stateDirectory").asText());
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.String().getClass());
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.String().getClass());
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 500);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 3);
    // Members that are killed must be missed while the test waits.
    settings.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 10_000);
    settings.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), 1_000);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    return settings;
  }

  private static synchronized void print(String name, String value) {
    try {
      System.out.println(JSON.writeValueAsString(Map.of(name, value)));
    } catch (IOException fault) {
      throw new IllegalStateException(fault);
    }
  }
}
