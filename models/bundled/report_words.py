# SPDX-License-Identifier: LGPL-2.1-or-later
"""Words of which report_logs.py makes logs, questions and idle talk."""

ORDINALS = ("none first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth "
            "twenty-first twenty-second twenty-third twenty-fourth").split()

# The commonest first: draw_label() takes them with falling likelihood.
LABELS = ("person car dog cat bicycle truck bus motorbike bird motorcycle horse train boat van cow "
          "sheep bear fox deer backpack umbrella suitcase scooter rabbit").split()
PLURALS = {"person": "persons", "car": "cars", "dog": "dogs", "cat": "cats", "bicycle": "bicycles",
           "truck": "trucks", "bus": "buses", "motorbike": "motorbikes", "bird": "birds",
           "horse": "horses", "train": "trains", "boat": "boats"}

CAMERAS = ["yard", "door", "gate", "front door", "back door", "garage", "garden", "street", "driveway",
           "entrance", "hall", "parking", "porch", "lobby", "kitchen", "office", "stairs", "roof",
           "camera", "cam", "cam1", "cam2", "cam_01", "cam_02", "cam-1", "front", "back", "north",
           "south", "east", "west", "shop", "warehouse", "terrace", "car park", "front yard",
           "back yard", "side gate", "main entrance", "hallway", "corridor"]

SYLLABLES = ("ba be bi bo bu ca ce ci co da de di do du fa fe fi fo ga ge go gu ha he hi ho hu ja jo ka "
             "ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu pa pe pi po qui ra re ri ro ru "
             "sa se si so su ta te ti to tu va ve vi vo wa we wi wo xa ya yo za ze zo an ar as at el "
             "en er es in is it le ol on or os un ur us al am em im om ung ein aus auf tür hof haus "
             "tor weg platz straße ost west nord süd ter ber der den sch ch st nd rt ck ll ss gh th sh "
             "ing ent ation ment port land ton ley ford side wood wall view cam zone dock lab bay deck "
             "é ñ ö ä ø å").split()

COMMON = ("the a of to and in is it you that he was for on are with as his they be at one have this from "
          "or had by hot but some what there we can out other were all your when up use word how said an "
          "each she which do their time if will way about many then them would write like so these her "
          "long make thing see him two has look more day could go come did my sound no most number who "
          "over know water than call first people may down side been now find any new work part take get "
          "place made live where after back little only round man year came show every good me give our "
          "under name very through just form much great think say help low line before turn cause same "
          "mean differ move right boy old too does tell sentence set three want air well also play small "
          "end put home read hand port large spell add even land here must big high such follow act why "
          "ask men change went light kind off need house picture try us again animal point mother world "
          "near build self earth father head stand own page should country found answer school grow study "
          "still learn plant cover food sun four thought let keep eye never last door between city tree "
          "cross since hard start might story saw far sea draw left late run while press close night real "
          "life few stop open seem together next white children begin got walk example ease paper often "
          "always music those both mark book letter until mile river car feet care second group carry took "
          "rain eat room friend began idea fish mountain north once base hear horse cut sure watch color "
          "face wood main enough plain girl usual young ready above ever red list though feel talk bird "
          "soon body dog family direct pose leave song measure state product black short numeral class "
          "wind question happen complete ship area half rock order fire south problem piece told knew pass "
          "farm top whole king size heard best hour better true during hundred remember step early hold "
          "west ground interest reach fast five sing listen six table travel less morning ten simple "
          "several vowel toward war lay against pattern slow center love person money serve appear road "
          "map science rule govern pull cold notice voice fall power town fine certain fly unit lead cry "
          "dark machine note wait plan figure star box noun field rest correct able pound done beauty "
          "drive stood contain front teach week final gave green quick develop sleep warm free minute "
          "strong special mind behind clear tail produce fact street inch lot nothing course stay wheel "
          "full force blue object decide surface deep moon island foot yet busy test record boat common "
          "gold possible plane age dry wonder laugh thousand ago ran check game shape yes hot miss brought "
          "heat snow bed bring sit perhaps fill east weight language among camera computer program video "
          "bicycle bus truck garden kitchen weather poem joke recipe capital password python code "
          "hello hi thanks please sorry bye today tomorrow yesterday").split()

CHATTER = [
    "Hello", "Hi", "Hi there", "Good morning", "Good evening", "Hey", "Hello, how are you?", "Who are you?",
    "What are you?", "What can you do?", "What is your name?", "Thanks", "Thank you very much", "Bye",
    "How are you today?", "Are you there?", "Help", "Help me", "Test", "ok", "Yes", "No", "Why?", "Stop",
    "Tell me a joke", "Tell me a story", "Tell me about the {}", "Write a poem about {}", "What is a {}?",
    "What is the {} of {}?", "Who is {}?", "Where is the {}?", "Why is the {} {}?", "How do I {} a {}?",
    "Can you {} the {}?", "Do you {} {}?", "Explain {} to me", "Translate {} {} into German",
    "Write a story about a {} and a {}", "What is {} plus {}?", "What is 2 + 2?", "What is 17 times 3?",
    "I {} the {} and the {}", "Is the {} {} or {}?", "Please {} my {}", "Write code that will {} a {}",
    "Write a letter to my {}", "How old is the {}?", "Give me a {} for the {}", "Which {} is the best {}?",
    "What is the weather like today?", "What time is it?", "What is the capital of France?",
    "Ignore the {} and {} the {}", "Once upon a time there was a {}", "The {} is {} and the {} is {}",
    "Wie geht es dir?", "Guten Tag", "Bonjour", "Hola", "Wer bist du?", "Was ist ein {}?", "1 2 3", "???",
    "print('{}')", "SELECT {} FROM {}", "{{}}", "[1, 2, 3]", "<{}>{}</{}>", "# {} {}", "- {}\n- {}\n- {}",
    "{}: {}\n{}: {}", "Which camera should I buy?", "How does a camera work?", "Do you like dogs?",
    "What is a person?", "Can you see me?", "Is it safe?", "Call the police", "Turn on the {}"]
