// Kafka's own Java client under load: a producer and a group of two, with the client's defaults, but that the consumers commit
// what they have read themselves. Errors are what the application sees: failed sends, and exceptions of poll and commitSync.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Rolling {
  static volatile boolean sending = true;
  static volatile boolean reading = true;

  static synchronized void say(String line) {
    System.out.println(line);
  }

  static void failed(String who, Exception error) {
    String what = String.valueOf(error).replace("\\", "/").replace("\"", "'").replace("\n", " ");
    say("[\"failed\",\"" + who + "\",\"" + what + "\"]");
  }

  static void consume(String bootstrap, String topic) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("group.id", topic);
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      long committed = 0;
      while (reading) {
        try {
          for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofMillis(200))) {
            say("[\"read\"," + one.partition() + "," + one.offset() + ",\"" + one.value() + "\"]");
          }
          if (System.nanoTime() - committed > 1_000_000_000L) {
            consumer.commitSync();
            committed = System.nanoTime();
          }
        } catch (WakeupException over) {
          return;
        } catch (Exception error) {
          failed("consumer", error);
        }
      }
    } catch (Exception error) {
      failed("consumer", error);
    }
  }

  public static void main(String[] args) throws Exception {
    String bootstrap = args[0];
    String topic = args[1];
    int partitions = Integer.parseInt(args[2]);
    long interval = Long.parseLong(args[3]);
    for (int member = 0; member < 2; member++) {
      Thread thread = new Thread(() -> consume(bootstrap, topic));
      thread.setDaemon(true);
      thread.start();
    }
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    KafkaProducer<String, String> producer =
        new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    producer.partitionsFor(topic);
    say("[\"ready\"]");
    Thread words = new Thread(() -> {
      try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          sending = false;
          if (line.equals("end")) {
            reading = false;
            Thread.sleep(1_000);
            System.exit(0);
          }
        }
      } catch (Exception error) {
        System.exit(1);
      }
      System.exit(0);
    });
    words.start();
    AtomicInteger pending = new AtomicInteger();
    for (int number = 0; sending; number++) {
      for (int partition = 0; partition < partitions; partition++) {
        String value = partition + "-" + number;
        long started = System.nanoTime();
        pending.incrementAndGet();
        try {
          producer.send(new ProducerRecord<>(topic, partition, null, value), (sent, error) -> {
            pending.decrementAndGet();
            long took = (System.nanoTime() - started) / 1_000_000;
            if (error != null) failed("producer", error);
            else say("[\"acked\",\"" + value + "\"," + took + "]");
          });
        } catch (Exception error) {
          pending.decrementAndGet();
          failed("producer", error);
        }
      }
      Thread.sleep(interval);
    }
    producer.flush();
    while (pending.get() > 0) Thread.sleep(10);
    say("[\"sent-all\"]");
  }
}
