"""Conversations in four other European languages, from the counter and the kitchen."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, lines, pairs, words
from ..messages import Record
from .scene import Scene, play
from .vocabulary import PLAIN

SPANISH_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "cosa": words(
        "la lámpara|el molinillo de café|la báscula|el altavoz|la cafetera|el teclado|la bicicleta|"
        "el termómetro|la máquina de coser|el calefactor|el telescopio|la impresora|el filtro de agua|"
        "el despertador"
    ),
    "plato": words(
        "una sopa de calabacín|un guiso de lentejas|croquetas de jamón|arroz con champiñones|"
        "una tortilla con cebolla|pimientos asados|albóndigas de atún|un pastel de limón|crema de puerros|"
        "ensalada de garbanzos"
    ),
    "cuando": words(
        "ayer|el miércoles|esta mañana|hace {number} días|el sábado pasado|después de comer|en otoño"
    ),
    "quien": words(
        "la señora Ibáñez|la compañera de {town}|una vecina|{name}|don Julián|la jefa|una técnica|la abuela"
    ),
}
SPANISH: Final = Scene(
    settles=("cosa", "plato"),
    opening=lines("""
        Buenos días, compré {cosa} {cuando} y ya no enciende.
        {quien} me regaló {cosa} y el botón está roto.
        Quiero preparar {plato} para {quien}.
        Mi pedido {order} salió de {town} {cuando}, según la página.
        ¿Sabe alguien cómo limpiar {cosa} sin dañarla?
        {cuando} cociné {plato} y quedó demasiado salado.
        Soy {name}, de {town}, y tengo una duda sobre la factura {order}.
    """),
    detail=lines("""
        El número de serie es {code}.
        {quien} dice que no tiene arreglo.
        Solo dispongo de {number} minutos.
        No quiero gastar más de {number} euros.
        Aquí no encuentro todos los ingredientes.
        La garantía termina el día {day}.
        Ya lo intenté {cuando}, sin éxito.
    """),
    question=lines("""
        ¿Qué me aconseja?
        ¿Podría ayudarme, por favor?
        ¿Es normal?
        ¿Cuánto tardaría la reparación?
        ¿Cómo puedo solucionarlo?
        ¿Tengo que llamar a {town}?
    """),
    reply=lines("""
        Claro que sí, con mucho gusto.
        No se preocupe, tiene solución.
        Gracias por los detalles, {name} ya lo está revisando.
        Le explico cómo lo haría yo.
        Según el código {code}, es una avería pequeña.
        Para {plato} hace falta sobre todo paciencia.
    """),
    steps=lines("""
        Desenchufe {cosa} y espere {number} minutos.
        Corte la cebolla muy fina y sofríala a fuego lento.
        Añada una pizca de sal y pruebe después de {number} minutos.
        Envíenos una fotografía de la etiqueta {code}.
        Compruebe que el cable llega hasta {cosa} sin doblarse.
        Deje reposar {plato} antes de servir.
        Escriba el número {order} en la caja.
        Pregunte a {quien} si conserva el recibo.
        Si el piloto está rojo, vuelva a empezar desde el paso {tens}.
        Cúbralo con un paño húmedo hasta que sea la hora.
    """),
    closing=lines("""
        Avíseme {cuando} si vuelve a ocurrir.
        La referencia es {code}.
        ¡Buen provecho y un saludo a {name}!
        Después de eso debería funcionar también en {town}.
        Quedo a su disposición hasta el día {day}.
        Así lo hacía siempre {quien}.
    """),
    follow_ups=pairs("""
        ¿Y si no tengo cebolla?
            Entonces use puerro, unos {number} gramos, y un poco más de limón.
        ¿Puede pasar {quien} a recogerlo?
            Sí, con el número {code} y cualquier día después del {day}.
        ¿Cuánto costará?
            Unos {number} euros, según {quien}, y {tens} más si hay que pedir una pieza.
    """),
)

FRENCH_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "objet": words(
        "la bouilloire|le vélo pliant|l'imprimante|le grille-pain|la caméra|le tournevis électrique|"
        "la balance|le réveil|la machine à café|le projecteur|l'aspirateur|le clavier|la lampe frontale|"
        "le thermostat"
    ),
    "plat": words(
        "une soupe à l'oignon|un gratin de légumes|une tarte aux poireaux|des crêpes salées|"
        "un ragoût de pois chiches|une purée de céleri|un clafoutis|un risotto aux cèpes|une salade tiède|"
        "un gâteau à l'orange"
    ),
    "quand": words(
        "hier|mercredi dernier|ce matin|il y a {number} jours|après le déjeuner|cet été|samedi|à Noël"
    ),
    "qui": words(
        "la sœur de {name}|la collègue du soir|la voisine|{name}|une amie de {town}|la gérante|la stagiaire"
    ),
}
FRENCH: Final = Scene(
    settles=("objet", "plat"),
    opening=lines("""
        Bonjour, {objet} que j'ai reçu {quand} ne démarre plus.
        {qui} m'a prêté {objet} et l'écran reste figé.
        J'aimerais préparer {plat} pour {qui}.
        La commande {order} est restée bloquée à {town}.
        {quand}, j'ai raté {plat} pour la deuxième fois.
        Je m'appelle {name} et je ne comprends pas la facture {order}.
        On m'a débité {number} euros de trop {quand}.
    """),
    detail=lines("""
        Le modèle est le {code}.
        {qui} pense que c'est réparable.
        Il me reste {number} grammes de crème fraîche.
        J'ai déjà essayé {quand}, sans succès.
        Je déménage à {town} le {day}.
        Le café est à côté, si cela aide à trouver l'adresse.
        J'ai gardé le reçu numéro {code}.
    """),
    question=lines("""
        Que me conseillez-vous ?
        Pourriez-vous vérifier, s'il vous plaît ?
        Est-ce grave ?
        Où dois-je m'adresser à {town} ?
        Combien de temps faut-il prévoir ?
        Comment éviter cela la prochaine fois ?
    """),
    reply=lines("""
        Bien sûr, voyons cela ensemble.
        Désolé pour ce désagrément, {name}.
        Merci d'avoir précisé le numéro {code}.
        Cela arrive souvent et se règle en {number} minutes.
        Pour {plat}, tout dépend de la température.
        J'ai transmis votre message à {qui}.
    """),
    steps=lines("""
        Débranchez {objet}, puis attendez {number} minutes.
        Faites revenir les légumes à feu doux, sans les colorer.
        Vérifiez que la pièce {code} est bien enfoncée.
        Ajoutez {number} millilitres de crème et mélangez.
        Notez la référence {order} sur le carton.
        Demandez à {qui} de signer le bon de dépôt.
        Goûtez avant de resaler, c'est là que tout se joue.
        Laissez {plat} reposer jusqu'à ce que la vapeur cesse.
        Réglez la date, car {objet} refuse la mise à jour sinon.
        Gardez la facture jusqu'au {day}.
    """),
    closing=lines("""
        Tenez-moi au courant {quand}.
        Le remboursement arrivera avant le {day}.
        Bon appétit à {qui} !
        Notre atelier de {town} reste à votre écoute.
        N'hésitez pas à rappeler avec le code {code}.
        C'est ainsi que {qui} procède, en tout cas.
    """),
    follow_ups=pairs("""
        Et sans crème ?
            Prenez du lait d'avoine, {number} millilitres environ, et réduisez un peu plus longtemps.
        Faut-il prendre rendez-vous ?
            Non, passez à {town} quand vous voulez, avec le numéro {code}.
        Qui paie le retour ?
            Nous, à condition que le colis parte avant le {day} et porte la référence {order}.
    """),
)

GERMAN_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "ding": words(
        "der Wasserkocher|die Nähmaschine|das Türschloss|der Drucker|die Stehlampe|das Heizgerät|"
        "der Lautsprecher|die Küchenwaage|das Fahrradlicht|der Luftbefeuchter|die Kaffeemühle|das Funkgerät|"
        "der Rauchmelder"
    ),
    "gericht": words(
        "Kürbissuppe|Linseneintopf|Käsespätzle|Rührei mit Kräutern|Pfannkuchen|Grünkohl mit Nüssen|"
        "Apfelküchlein|Gemüseauflauf|Klöße|Fischfrikadellen|Möhrenkuchen|Pilzragout"
    ),
    "wann": words(
        "gestern|am Mittwoch|heute früh|vor {number} Tagen|am Wochenende|im März|nach Feierabend|neulich"
    ),
    "wer": words(
        "die Schwägerin|die Nachbarin|{name}|eine Kollegin aus {town}|die Hausmeisterin|Frau Schäfer"
    ),
}
GERMAN: Final = Scene(
    settles=("ding", "gericht"),
    opening=lines("""
        Guten Tag, {ding} läuft seit {number} Tagen nicht mehr.
        {wann} wollte ich {gericht} für {number} Gäste kochen.
        {wer} hat mir etwas geschenkt: {ding} mit der Nummer {code}, leider ohne Netzteil.
        Meine Bestellung {order} hängt offenbar in {town} fest.
        Ich heiße {name} und möchte die Rechnung {order} prüfen lassen.
        Für {gericht} fehlt mir noch eine gute Idee.
        {wann} wurden mir {number} Euro doppelt abgebucht.
    """),
    detail=lines("""
        {wer} meint, es läge am Stecker.
        Die Garantie läuft am {day}. aus.
        Ich habe schon alles ausprobiert, was im Heft auf Seite {number} steht.
        Mir bleiben höchstens {number} Minuten.
        Auf dem Schild steht {code}.
        Zwiebeln vertrage ich nicht.
        In {town} hat {wann} niemand abgenommen.
    """),
    question=lines("""
        Was würden Sie mir raten?
        Könnten Sie bitte nachsehen?
        Lohnt sich das überhaupt noch?
        Wie lange dauert so etwas?
        Muss ich dafür nach {town} fahren?
        Woran könnte es liegen?
    """),
    reply=lines("""
        Natürlich, das bekommen wir hin.
        Danke für die Nummer {code}, damit finde ich alles.
        Das tut mir leid, {name}.
        Für {gericht} brauchen Sie vor allem Geduld.
        So ein Fehler lässt sich meist in {number} Minuten beheben.
        Ich habe {wer} gefragt, hier die Antwort.
    """),
    steps=lines("""
        Ziehen Sie den Stecker und warten Sie {number} Minuten.
        Die Möhren in dünne Scheiben schneiden und in Öl anschwitzen.
        Prüfen Sie, ob die Dichtung mit der Nummer {code} richtig sitzt.
        Mit {number} Gramm Käse bestreuen und überbacken.
        Schreiben Sie {order} groß auf den Karton.
        Lassen Sie {wer} einmal mit anfassen.
        Danach die Uhrzeit neu einstellen, sonst wiederholt sich das.
        Alles mit etwas Brühe ablöschen und ruhen lassen.
        Wenn das Licht grün bleibt, war es nur der Schalter.
        Der Überschuss wird bis zum {day}. gutgeschrieben.
    """),
    closing=lines("""
        Melden Sie sich gern, falls es wieder auftritt.
        Viele Grüße nach {town}!
        Das Aktenzeichen lautet {code}.
        Guten Appetit, auch für {wer}.
        Spätestens am {day}. sollte alles erledigt sein.
        So macht es jedenfalls {wer}.
    """),
    follow_ups=pairs("""
        Geht es auch ohne Käse?
            Ja, nehmen Sie {number} Gramm geröstete Kerne und etwas mehr Öl.
        Kann {wer} das abholen?
            Gern, mit der Nummer {code} und bis zum {day}. des Monats.
        Was kostet das ungefähr?
            Rund {number} Euro, und {tens} weitere, falls ein Ersatzteil nötig wird.
    """),
)

PORTUGUESE_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "objeto": words(
        "a chaleira|o secador|a impressora|o fogão elétrico|a câmara|o relógio|a balança|o rádio|"
        "a máquina de costura|o aquecedor|a luminária|o moedor de café|o portão|a antena"
    ),
    "prato": words(
        "um caldo verde|feijão com abóbora|bolinhos de peixe|pão de milho|uma sopa de grão|arroz de legumes|"
        "uma torta de maçã|um assado de batata-doce|camarão com limão|um pudim"
    ),
    "quando": words(
        "ontem|na terça-feira|esta manhã|há {number} dias|depois do almoço|no verão|no sábado|amanhã cedo"
    ),
    "quem": words("{name}|Dona Márcia|Seu Antônio|uma amiga de {town}|um vizinho|uma professora|um primo"),
}
PORTUGUESE: Final = Scene(
    settles=("objeto", "prato"),
    opening=lines("""
        Olá, {objeto} que comprei {quando} não liga mais.
        {quem} pediu {prato} e eu nunca fiz.
        O pedido {order} não chegou a {town}.
        Cobraram {number} euros a mais {quando}.
        ATENÇÃO: {objeto} faz um barulho estranho desde {quando}.
        Sou {name} e preciso de uma cópia da fatura {order}.
        {quando} tentei fazer {prato} e ficou sem sabor.
    """),
    detail=lines("""
        O código na etiqueta é {code}.
        {quem} acha que não vale a pena.
        Só tenho {number} minutos até à refeição.
        Já liguei para {town}, sem resposta.
        A garantia acaba no dia {day}.
        Não há coentros em casa.
        Guardei o recibo número {code}.
    """),
    question=lines("""
        O que devo fazer?
        Pode ajudar-me, por favor?
        Há solução?
        Quanto tempo demora a reparação?
        Como evito isso da próxima vez?
        Preciso de ir até {town}?
    """),
    reply=lines("""
        Claro, vamos por partes.
        Peço desculpa pela confusão, {name}.
        Com o código {code} já encontrei a informação.
        É uma avaria comum e resolve-se em {number} minutos.
        Para {prato}, o segredo é não ter pressa.
        Falei com {quem} e a explicação é simples.
    """),
    steps=lines("""
        Desligue {objeto} da tomada e aguarde {number} minutos.
        Refogue a cebola até ficar transparente.
        Verifique se a peça {code} não está solta.
        Junte {number} gramas de feijão e mexa devagar.
        Escreva {order} na caixa, em letras grandes.
        Peça a {quem} que assine a declaração.
        Prove antes de pôr mais sal.
        Deixe {prato} descansar, tapado, até à hora.
        Se a luz não acender, repita a operação no dia {day}.
        A diferença será devolvida em {tens} prestações.
    """),
    closing=lines("""
        Avise-me {quando}, está bem?
        A referência é {code}.
        Bom apetite e lembranças a {name}!
        Até ao dia {day} fica tudo resolvido.
        Em {town} também prestamos assistência.
        Pelo menos é assim que faz {quem}.
    """),
    follow_ups=pairs("""
        E sem cebola?
            Use alho-francês, uns {number} gramas, e um pouco mais de limão.
        {quem} pode ir buscar?
            Pode, com o número {code}, em qualquer dia depois do dia {day}.
        Quanto vai custar?
            Cerca de {number} euros, e mais {tens} se for precisa uma peça nova.
    """),
)

# How often each language is drawn, in parts of the total.
_LANGUAGES: Final = (
    *((SPANISH_SLOTS, SPANISH, "es"),) * 5,
    *((FRENCH_SLOTS, FRENCH, "fr"),) * 5,
    *((GERMAN_SLOTS, GERMAN, "de"),) * 5,
    *((PORTUGUESE_SLOTS, PORTUGUESE, "pt"),) * 4,
)


def conversation(draw: Draw) -> Record:
    """One record in Spanish, French, German or Portuguese."""
    slots, scene, code = draw.pick(_LANGUAGES)
    return {"messages": play(Speaker(draw, slots), scene), "source": f"polyglot-{code}"}
