"""Texts to split, one per language, and documents for the structured splitters. All written for these tests."""

CODE = {
    "c": "#include <stdio.h>\n\nint total = 0;\n\nvoid add(int amount) {\n  total += amount;\n}\n\nint main(void) {\n  for (int i = 0; i < 3; i++) {\n    add(i);\n  }\n  printf(\"%d\\n\", total);\n  return 0;\n}\n",
    "cobol": "IDENTIFICATION DIVISION.\nPROGRAM-ID. TOTALS.\nDATA DIVISION.\nWORKING-STORAGE SECTION.\n01 COUNTER PIC 9(3) VALUE 0.\nPROCEDURE DIVISION.\nMAIN-LOOP.\nPERFORM ADD-ONE 3 TIMES.\nDISPLAY \"DONE \" COUNTER.\nIF COUNTER > 2\nMOVE 0 TO COUNTER\nELSE\nDISPLAY \"SMALL\".\nSTOP RUN.\n",
    "cpp": "#include <vector>\n\nclass Basket {\n public:\n  void put(int item) { items_.push_back(item); }\n\n private:\n  std::vector<int> items_;\n};\n\nint main() {\n  Basket basket;\n  while (true) {\n    basket.put(1);\n    break;\n  }\n}\n",
    "csharp": "using System;\n\nnamespace Shop\n{\npublic class Basket\n{\nprivate int count;\npublic void Put(int n)\n{\nif (n > 0)\n{\ncount += n;\n}\nelse\n{\nthrow new ArgumentException();\n}\n}\n}\n}\n",
    "elixir": "defmodule Basket do\ndef new, do: []\n\ndef put(basket, item) do\nif item in basket do\nbasket\nelse\n[item | basket]\nend\nend\n\ndefp size(basket), do: length(basket)\nend\n",
    "go": "package shop\n\nimport \"fmt\"\n\nconst limit = 3\n\ntype Basket struct {\n\titems []string\n}\n\nfunc (b *Basket) Put(item string) {\n\tb.items = append(b.items, item)\n}\n\nfunc main() {\n\tfor i := 0; i < limit; i++ {\n\t\tfmt.Println(i)\n\t}\n}\n",
    "haskell": "module Shop where\nimport qualified Data.Map as Map\ndata Item = Item { name :: String, price :: Int }\ntotal :: [Item] -> Int\ntotal = sum . map price\n\nmain :: IO ()\nmain = do\nlet items = [Item \"pear\" 3]\nprint (total items)\n",
    "html": "<html><head><title>Fruit</title></head><body><div><h1>Pears</h1><p>They ripen from the inside.</p><ul><li>Bosc</li><li>Comice</li></ul></div><div><h2>Storage</h2><p>Cool and dark.</p><table><tr><th>Week</th><td>1</td></tr></table></div></body></html>",
    "java": "package shop;\n\npublic class Basket {\n  private int count = 0;\n\n  public void put(int n) {\n    if (n > 0) {\n      count += n;\n    }\n  }\n\n  public static void main(String[] args) {\n    for (int i = 0; i < 3; i++) {\n      new Basket().put(i);\n    }\n  }\n}\n",
    "js": "const limit = 3;\n\nfunction put(basket, item) {\n  basket.push(item);\n}\n\nclass Basket {\n  constructor() { this.items = []; }\n}\n\nlet basket = new Basket();\nfor (let i = 0; i < limit; i++) {\n  put(basket.items, i);\n}\nswitch (limit) {\ncase 3:\n  break;\ndefault :\n  console.log(basket);\n}\n",
    "kotlin": "package shop\n\nclass Basket {\n    private val items = mutableListOf<String>()\n\n    fun put(item: String) {\n        items.add(item)\n    }\n\n    companion object {\n        val limit = 3\n    }\n}\n\nfun main() {\n    for (i in 1..3) println(i)\n    when (Basket.limit) {\n        3 -> println(\"three\")\n        else -> println(\"other\")\n    }\n}\n",
    "latex": "\\documentclass{article}\n\\begin{document}\n\\chapter{Fruit}\nPears ripen late.\n\\section{Storage}\nKeep them at $4$ degrees, because $$rate = 2^{t/10}$$ holds.\n\\begin{itemize}\n\\item Bosc\n\\item Comice\n\\end{itemize}\n\\subsection{Cold}\nNever below zero.\n\\begin{quote}\nSlow is good.\n\\end{quote}\n\\end{document}\n",
    "lua": "local limit = 3\n\nfunction put(basket, item)\n  table.insert(basket, item)\nend\n\nlocal basket = {}\nfor i = 1, limit do\n  put(basket, i)\nend\n\nwhile #basket > 0 do\n  table.remove(basket)\nend\n",
    "markdown": "# Pears\n\nPears ripen from the inside.\n\n## Storage\n\n- cool\n- dark\n\n***\n\nA rule stands above.\n\n### Cold rooms\n\n```\nset temperature 4\n```\n\n____\n\nThe end of the page.\n",
    "php": "<?php\nnamespace Shop;\n\nclass Basket {\n    private $items = [];\n\n    public function put($item) {\n        $this->items[] = $item;\n    }\n}\n\nfunction total(array $items) {\n    $sum = 0;\n    foreach ($items as $item) {\n        $sum += $item;\n    }\n    return $sum;\n}\n",
    "powershell": "param (\n    [int]$Limit = 3\n)\n\nfunction Put-Item2 {\n    param ($Basket, $Item)\n    $Basket += $Item\n}\n\nforeach ($i in 1..$Limit) {\n    Write-Output $i\n}\n\ntry {\n    Put-Item2 @() 1\n}\ncatch {\n    Write-Error \"full\"\n}\n",
    "proto": "syntax = \"proto3\";\n\nimport \"google/protobuf/empty.proto\";\n\noption java_package = \"shop\";\n\nmessage Item {\n    string name = 1;\n    int32 price = 2;\n}\n\nenum State {\n    OPEN = 0;\n    SOLD = 1;\n}\n\nservice Shop {\n    rpc Put (Item) returns (Item);\n}\n",
    "python": "import math\n\nclass Basket:\n    def __init__(self):\n        self.items = []\n\n    def put(self, item):\n        self.items.append(item)\n\nclass Tabbed:\n\tdef area(self):\n\t\treturn math.pi\n\ndef main():\n    basket = Basket()\n    for i in range(3):\n        basket.put(i)\n",
    "r": "library(stats)\n\nlimit <- 3\n\nput <- function(basket, item) {\n  c(basket, item)\n}\n\nsetClass(\"Basket\", representation(items = \"list\"))\n\nfor (i in 1:limit) {\n  print(i)\n}\n\nwhile (limit > 0) {\n  limit <- limit - 1\n}\n",
    "rst": "Pears\n=====\n\nPears ripen from the inside.\n\nStorage\n-------\n\nKeep them\n\n- cool\n- dark\n\n.. note::\n\n   Never below zero.\n\nThe end\n*******\n\nNothing follows here.\n",
    "ruby": "class Basket\n  def initialize\n    @items = []\n  end\n\n  def put(item)\n    @items << item\n  end\nend\n\nbasket = Basket.new\nunless basket.nil?\n  basket.put(1)\nend\nbegin\n  raise \"full\"\nrescue StandardError\n  puts \"sorry\"\nend\n",
    "rust": "const LIMIT: usize = 3;\n\nfn put(basket: &mut Vec<usize>, item: usize) {\n    basket.push(item);\n}\n\nfn main() {\n    let mut basket = Vec::new();\n    for i in 0..LIMIT {\n        put(&mut basket, i);\n    }\n    match basket.len() {\n        3 => println!(\"three\"),\n        _ => println!(\"other\"),\n    }\n}\n",
    "scala": "object Shop {\n  val limit = 3\n\n  class Basket {\n    var items = List[Int]()\n    def put(item: Int): Unit = {\n      items = item :: items\n    }\n  }\n\n  def main(args: Array[String]): Unit = {\n    for (i <- 1 to limit) println(i)\n  }\n}\n",
    "sol": "pragma solidity ^0.8.20;\n\ncontract Basket {\n  uint public count;\n\n  event Put(uint item);\n\n  constructor() {\n    count = 0;\n  }\n\n  function put(uint item) public {\n    count += item;\n    emit Put(item);\n  }\n}\n",
    "swift": "import Foundation\n\nstruct Item {\n    let name: String\n}\n\nclass Basket {\n    var items: [Item] = []\n\n    func put(_ item: Item) {\n        items.append(item)\n    }\n}\n\nfunc main() {\n    for i in 0..<3 {\n        print(i)\n    }\n}\n",
    "ts": "interface Item {\n  name: string;\n}\n\nenum State {\n  Open,\n  Sold,\n}\n\nclass Basket {\n  items: Item[] = [];\n}\n\nfunction put(basket: Basket, item: Item): void {\n  basket.items.push(item);\n}\n\nconst basket = new Basket();\nput(basket, { name: 'pear' });\n",
    "visualbasic6": "Option Explicit\n\nPrivate Type Item\n    Name As String\nEnd Type\n\nPublic Sub Put(ByVal Name As String)\n    Dim i As Integer\n    For i = 1 To 3\n        Debug.Print Name\n    Next i\nIf i > 2 Then\n    MsgBox \"many\"\nElse\n    MsgBox \"few\"\nEnd If\nEnd Sub\n\nFriend Function Total() As Long\n    Total = 3\nEnd Function\n",
    "jsx": "import { useState } from 'react';\n\nexport function Basket({ items }) {\n  const [open, setOpen] = useState(false);\n\n  return (\n    <>\n      <Header title=\"Fruit\" />\n      <List>\n        {items.map((item) => <Entry key={item.id}>{item.name}</Entry>)}\n      </List>\n      {open &&\n        <Footer>Closing</Footer>}\n    </>\n  );\n}\n\nconst limit = 3;\n",
}

# Several more for JSX: Vue and Svelte.
JSX = [
    CODE["jsx"],
    "<template>\n  <section class=\"box\">\n    <h2>{{ title }}</h2>\n    <FruitRow v-for=\"row in rows\" :row=\"row\" />\n  </section>\n</template>\n\n<script>\nexport default {\n  data() {\n    return { title: 'Fruit', rows: [] };\n  },\n};\n</script>\n",
    "<script>\n  let count = 0;\n  function more() {\n    count += 1;\n  }\n</script>\n\n<main>\n  <Button on:click={more}>{count}</Button>\n  {#if count > 3}\n    <p>enough</p>\n  {/if}\n</main>\n",
]

MARKDOWN = [
    "# Pears\n\n## Ripening\n\nThey ripen from the inside.\n\nPress the neck.\n\n## Storage\n\nCool and dark.\n",
    "# Pears\n\nA word before.\n\n## Storage\n\nCool.\n\n### Cellars\n\nDry ones are best.\n\n#### Shelves\n\nOf wood.\n\n## Trade\n\nBy weight.\n\n# Plums\n\nThey come earlier.\n",
    "Text before any heading.\n\nIt has two paragraphs.\n\n# First\n\nBody of the first.\nIts second line.\n\n\n\nAfter two blank lines.\n",
    "# Shell\n\n```sh\n# no heading, a comment\n## nor this\nls\n```\n\n## After\n\nText.\n\n~~~\n# not here\n```\n# nor here\n~~~\n\n## Last\n\nEnd.\n",
    "# Inline\n\n```one line``` of code\n\n## Follows\n\n```\n~~~\n# inside\n```\n\n## Out again\n\nx\n",
    "\ufeff# With a mark\n\nText under it.\n\n## Second\n\nMore.\n",
    "# Level one\n## Level two at once\n### Level three at once\nText of three.\n## Two again\nText of two.\n",
    "#\n\nA heading without a title.\n\n##\n\nAnother.\n\n#NoSpace is text\n\n####### seven is text\n",
    "   # Indented by three\n\n  Lines with   spaces inside  \n\n\t## Behind a tab\n\nText\u00a0with odd\u200b characters.\n",
    "# Open fence\n\n```\nnever closed\n# not a heading\n",
    "# A\n\ntext a\n\n# B\n\ntext b\n\n## B1\n\n### B1a\n\ntext b1a\n\n# C\n",
    "###### Six\n\nsix text\n\n##### Five\n\nfive text\n\n# One\n\none text\n",
    "# Windows\r\n\r\nLines end in two characters.\r\n\r\n## Second\r\n\r\nMore of them.\r\n",
    "",
    "\n\n\n",
    "No heading at all, only a line.\n",
    "# Table\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- item one\n- item two\n  - nested\n\n> quoted # not a heading\n\n## End ##\n\nclosing marks stay in the title\n",
]
MARKED = [
    ("**Pears**\n\nThey ripen.\n\n***Storage***\n\nCool.\n\n**Plums**\n\nEarly.\n", {"**": 1, "***": 2}),
    ("# Real\n\n**Bold heading**\n\nText with **bold** in it.\n\n** not bold **\n\n****\n\n**a** and **b**\n", {"**": 2}),
    ("==Wiki==\n\nText.\n\n===Deeper===\n\nMore.\n\n==Next==\n\nEnd.\n", {"==": 1, "===": 2}),
    ("!!Loud!!\n\nText.\n\n# Under\n\nMore.\n\n!!!Louder!!!\n\nEnd.\n", {"!!": 1}),
]

HTML = [
    "<html><body><h1>Pears</h1><p>They ripen late.</p><h2>Storage</h2><p>Cool and dark.</p><p>Never wet.</p><h1>Plums</h1><p>They come early.</p></body></html>",
    "<body><p>Before any heading.</p><h1>First</h1><p>One.</p><h2>Second</h2><p>Two.</p><h3>Third</h3><p>Three.</p><h2>Fourth</h2><p>Four.</p></body>",
    "<html><body><h2>Starts at two</h2><p>Text.</p><h1>Then one</h1><p>More.</p><h3>Then three</h3><p>Last.</p></body></html>",
    "<html><body><p>No heading here.</p><p>Only two paragraphs.</p></body></html>",
    "<html><body><h1>Lists</h1><ul><li>Bosc</li><li>Comice</li></ul><h2>Tables</h2><table><tr><td>1</td></tr><tr><td>2</td></tr></table></body></html>",
    "<html><head><title>Fruit of the year</title></head><body><h1>Entities &amp; more</h1><p>5 &lt; 6 &amp; 7 &gt; 6</p><h2>Caf\u00e9</h2><p>cr\u00e8me \u2014 br\u00fbl\u00e9e</p></body></html>",
    "<html><body><h1>One</h1><h2>Empty</h2><h2>Full</h2><p>Text.</p></body></html>",
    "<html><body><h1>Spaces</h1><p>  Lines\n   fold   here </p><h4>Deep</h4><p>deep text</p><h5>Deeper</h5><p>deeper text</p></body></html>",
]

JSON = [
    {"name": "basket", "items": {"pear": 3, "plum": 5}, "open": True},
    {"a": {"b": {"c": {"d": "deep value of some length", "e": "another value of some length"}, "f": 1}, "g": None}, "h": "last"},
    {"list": [1, 2, 3, {"x": "in a list"}, [4, 5]], "text": "some words that make it longer", "more": {"k": [True, False]}},
    {"numbers": {"whole": 12345678901234567890, "real": 1.5, "tiny": 1e-7, "huge": 1e22, "edge": 123456789012345680.0, "minus": -0.25, "zero": 0.0, "small": 0.0001}},
    {"escapes": "quote \" slash \\ line \n tab \t bell \u0007 del \x7f", "wide": "caf\u00e9 \u65e5\u672c \U0001F600", "k\u00e9y \"q\"": {"\n": "key of a line break"}},
    {"empty": {}, "none": [], "nested": {"empty": {}, "list": [[], [{}], {}]}, "tail": "end"},
    {"level%d" % i: {"value": "v" * (7 * i % 40), "list": list(range(i)), "deeper": {"k%d" % j: "w" * j for j in range(i)}} for i in range(12)},
    {"long": "x" * 50, "rows": [{"id": i, "name": "row number %d" % i, "tags": ["t%d" % i, "all"]} for i in range(15)]},
]

PROSE = [
    "Pears ripen from the inside. Press the neck to test them. The skin tells nothing! Trains leave the station at nine. A ticket costs five coins. Does the conductor check them? Pears keep for weeks in a cool cellar. Plums keep for days. Rails are made of steel. Steel is an alloy of iron.",
    "One sentence only, without an end",
    "First of two. Second of two.",
    "Zebra zone zoo. Apple area arena! Zigzag zeal. Bubble baby bob? Apple agenda. Quick quiz quota. Zoo zebra.\n\nNew paragraph about nothing. It has words. Words are many. Words are few.  Two blanks before this. End.",
    "a b c. d e f. g h i. j k l. m n o. p q r. s t u. v w x. y z a. b c d. e f g. h i j. k l m. n o p. ",
]
