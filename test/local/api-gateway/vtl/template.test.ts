import { describe, expect, it } from 'vitest'
import { MAX_FOREACH_TURNS, Template } from '../../../../local/api-gateway/vtl/template.ts'
import { Bean } from '../../../../local/api-gateway/vtl/values.ts'

const variables = () => ({
  m: { a: 1, b: 2 },
  n: { o: { p: [1, 2] }, list: [{ c: 5 }], none: null },
  number: 3,
  yes: true,
  no: false,
  empty: '',
  text: 'Hello World',
  bean: new Bean({ body: () => 'raw' }, { twice: (value) => `${String(value)}${String(value)}` }),
})

const render = (source: string, warn?: (problem: string) => void) =>
  new Template(source).render(variables(), warn)

describe('a reference', () => {
  it.each([
    ['$m.a ${m.a} $!m.a $!{m.a} ${m.a}px', '1 1 1 1 1px'],
    ['$n.o.p[1] $n.o.p.get(0) $m["b"] $m.get("b") $m[\'b\']', '2 1 2 2 2'],
    ['$bean.body $bean.twice("x") $bean.twice($m.a)', 'raw xx 11'],
    ['$m', '{a=1, b=2}'],
    ['$n.o', '{p=[1,2]}'],
    ['$n.list', '[{"c":5}]'],
    ['$n.none', ''],
    ['$yes $no $number', 'true false 3'],
    ['$m.a, $m.a. $m.a;$m.a:$m.a', '1, 1. 1;1:1'],
    ['$text[x', 'Hello World[x'],
  ])('%s is %s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it.each(['$missing', '${missing}', '$!missing', '$m.missing', '$m.missing.more', '$m.a.b', '$n.o.p[9]'])(
    '%s that leads nowhere is empty text',
    (source) => {
      expect(render(source)).toBe('')
    },
  )

  it.each([
    ['user@example.com costs $5 and #hash and #1 $ # $', 'user@example.com costs $5 and #hash and #1 $ # $'],
    ['\\$m.a', '$m.a'],
    ['\\\\$m.a', '\\1'],
    ['a\\b', 'a\\b'],
    ['\\#if(true)', '#if(true)'],
    ['#[[ raw $m.a #if ]]#', ' raw $m.a #if '],
  ])('is not seen in %s', (source, text) => {
    expect(render(source)).toBe(text)
  })
})

describe('#set', () => {
  it.each([
    ['#set($x = 5)$x', '5'],
    ['#set($x = -5)$x', '-5'],
    ['#set($x = 1.5)$x', '1.5'],
    ['#set($x = 7 / 2)$x', '3'],
    ['#set($x = 7.5 / 2)$x', '3.75'],
    ['#set($x = 7 % 4)$x', '3'],
    ['#set($x = 1 + 2 * 3)$x', '7'],
    ['#set($x = (1 + 2) * 3)$x', '9'],
    ['#set($x = -$number)$x', '-3'],
    ['#set($x = 1 / 0)[$x]', '[]'],
    ['#set($x = "a" + 1)$x', 'a1'],
    ['#set($x = $m.a == 1)$x', 'true'],
    ['#set($x = "v$m.a")$x', 'v1'],
    ["#set($x = 'v$m.a')$x", 'v$m.a'],
    ['#set($x = "q""q")$x', 'q"q'],
    ["#set($x = 'it''s')$x", "it's"],
    ['#set($x = "\\u00e9")$x', 'é'],
    ['#set($x = "#if($yes)on#{else}off#end")$x', 'on'],
    ['#set($x = [1, "b", [2]])$x $x[1]', '[1, b, [2]] b'],
    ['#set($x = {"a": "b", "c": [1]})$x $x.a $x.c[0]', '{a=b, c=[1]} b 1'],
    ['#set($x = [])#set($d = $x.add("y"))$x.size()', '1'],
    ['#set($x = {})#set($x.k = "v")$x', '{k=v}'],
    ['#set($x = {})#set($x["k"] = "v")$x.k', 'v'],
    ['#set ( $x = 1 )$x', '1'],
    ['#{set}($x = 1)$x', '1'],
  ])('%s gives %s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it('keeps what was there when the value is nothing', () => {
    expect(render('#set($x = 1)#set($x = $missing)$x')).toBe('1')
  })

  it('takes the space before it and the line end after it along', () => {
    expect(render('a\n  #set($x = 1)\nb')).toBe('a\nb')
  })
})

describe('#if', () => {
  it.each([
    ['$yes', 'y'],
    ['$no', 'n'],
    ['$missing', 'n'],
    ['$empty', 'n'],
    ['$n.none', 'n'],
    ['0', 'y'],
    ['[]', 'y'],
    ['!$missing', 'y'],
    ['not $yes', 'n'],
    ['$yes && $no', 'n'],
    ['$yes and $no', 'n'],
    ['$no || $yes', 'y'],
    ['$no or $yes', 'y'],
    ['$number > 2', 'y'],
    ['$number gt 2', 'y'],
    ['$number <= 2', 'n'],
    ['$number le 2', 'n'],
    ['$number lt 4', 'y'],
    ['$number ge 4', 'n'],
    ['$m.a == "1"', 'y'],
    ['$m.a eq 1', 'y'],
    ['$m.a != 1', 'n'],
    ['$m.a ne 1', 'n'],
    ['$text > 1', 'n'],
    ['$missing == $other', 'y'],
    ['$missing == ""', 'n'],
    ['"$!missing" == ""', 'y'],
    ['$m.a == 1 && ($m.b == 3 || $m.b == 2)', 'y'],
    ['$m.containsKey("a")', 'y'],
    ['true', 'y'],
    ['$n.none == null', 'y'],
  ])('(%s) is %s', (condition, text) => {
    expect(render(`#if(${condition})y#{else}n#end`)).toBe(text)
  })

  it('chooses the first branch that holds', () => {
    const source = '#if($x == 1)a#elseif($x == 2)b#elseif($x == 2)c#else d#end'
    expect(render(`#set($x = 2)${source}`)).toBe('b')
    expect(render(`#set($x = 3)${source}`)).toBe(' d')
  })

  it('leaves no empty line where its directives stand', () => {
    expect(render('[\n#if($yes)\nx\n#else\ny\n#end\n]')).toBe('[\nx\n]')
  })
})

describe('#foreach', () => {
  it.each([
    ['#foreach($i in [1..3])$i#if($foreach.hasNext),#end#end', '1,2,3'],
    ['#foreach($i in [3..1])$i#end', '321'],
    ['#foreach($i in $n.o.p)$foreach.index:$foreach.count:$velocityCount #end', '0:1:1 1:2:2 '],
    ['#foreach($i in ["a","b","c"])$foreach.first/$foreach.last #end', 'true/false false/false false/true '],
    ['#foreach($i in $m)$i;#end', '1;2;'],
    ['#foreach($k in $m.keySet())"$k": "$m.get($k)"#if($foreach.hasNext), #end#end', '"a": "1", "b": "2"'],
    ['#foreach($e in $m.entrySet())$e.key=$e.value,$e.getKey() #end', 'a=1,a b=2,b '],
    ['#foreach($i in [1,2,3])#if($i == 2)#break#end$i#end', '1'],
    ['#foreach($i in [1,2])#foreach($j in [1,2,3])#if($j == 2)#break#end$i$j #end#end', '11 21 '],
    ['#foreach($i in [1,2])#foreach($j in [1])$foreach.parent.index#end#end', '01'],
    ['#foreach($i in $missing)x#end', ''],
    ['#foreach($i in "text")x#end', ''],
    ['#set($i = "outer")#foreach($i in [1])$i#end$i', '1outer'],
    ['#foreach($i in [1,2])$i#if($i == 1)#stop#end#end never', '1'],
  ])('%s gives %s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it('ends after 1,000 turns, and says so', () => {
    const problems: string[] = []
    expect(
      new Template('#foreach($i in $many)x#end').render({ many: Array.from({ length: 1001 }) }, (text) =>
        problems.push(text),
      ),
    ).toHaveLength(MAX_FOREACH_TURNS)
    expect(problems).toEqual(['line 1, column 1: #foreach over 1001 items ends after 1000'])
  })
})

it('#define renders where it is printed', () => {
  expect(render('#define($row)<$x>#end#set($x = 1)$row#set($x = 2)$row')).toBe('<1><2>')
})

it('comments are left out', () => {
  expect(render('a## to the end $m.a\nb#* more\n#if *#c')).toBe('abc')
})

describe('the methods of Java', () => {
  it.each([
    ['$text.length()', '11'],
    ['$text.toUpperCase() $text.toLowerCase()', 'HELLO WORLD hello world'],
    ['$text.substring(6) $text.substring(0, 5)', 'World Hello'],
    ['$text.indexOf("o") $text.lastIndexOf("o") $text.indexOf("z")', '4 7 -1'],
    ['$text.contains("World") $text.startsWith("He") $text.endsWith("x")', 'true true false'],
    ['$text.replace("o", "$")', 'Hell$ W$rld'],
    ['$text.replaceAll("[lo]+", "-")', 'He- W-r-d'],
    ['$text.replaceAll("(\\w+) (\\w+)", "$2 \\$1")', 'World $1'],
    ['$text.replaceFirst("l", "L")', 'HeLlo World'],
    ['$text.matches("Hel.*") $text.matches("Hel")', 'true false'],
    ['$text.split(" ") $text.split(" ").size()', '[Hello, World] 2'],
    ['#set($s = "a.b..")#foreach($p in $s.split("\\."))[$p]#end', '[a][b]'],
    ['#set($s = "a,b,c")$s.split(",", 2)', '[a, b,c]'],
    ['#set($s = "abc")$s.split("")', '[a, b, c]'],
    ['$text.charAt(0) $text.concat("!") $empty.isEmpty() $text.equals("x")', 'H Hello World! true false'],
    ['$text.equalsIgnoreCase("hello world") $text.compareTo("A")', 'true 1'],
    ['#set($s = "  a ")[$s.trim()]', '[a]'],
    ['#set($Integer = 0)#set($x = $Integer.parseInt("41") + 1)$x', '42'],
    ['$number.intValue() $number.toString() $number.equals(3) $number.equals("3")', '3 3 true false'],
    ['$n.o.p.isEmpty() $n.o.p.contains(2) $n.o.p.indexOf(2) $n.o.p.count()', 'false true 1 2'],
    [
      '#set($l = [1, 2, 3])$l.remove(0) $l.set(0, 9) $l $l.addAll([4]) $l.subList(1, 3)',
      '1 2 [9, 3] true [3, 4]',
    ],
    [
      '$m.size() $m.isEmpty() $m.containsValue(2) $m.getOrDefault("z", "d") $m.values()',
      '2 false true d [1, 2]',
    ],
    ['#set($h = {})$h.put("k", 1)$h.put("k", 2) $h.remove("k") $h', '1 2 {}'],
    ['#set($h = {})$h.putAll($m)$h', '{a=1, b=2}'],
  ])('%s gives %s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it('that are not there give empty text, and are told', () => {
    const problems: string[] = []
    expect(render('a\n$text.shout()', (problem) => problems.push(problem))).toBe('a\n')
    expect(problems).toEqual(['line 2, column 1: a string has no method "shout"'])
  })
})

describe('a template that fails', () => {
  it.each([
    ['#if($yes)', 'line 1, column 1: #if is not closed with #end'],
    ['a\n#foreach($x in [1])', 'line 2, column 1: #foreach is not closed with #end'],
    ['a\n  #end', 'line 2, column 3: "#end" closes nothing'],
    ['#set($x 1)', 'line 1, column 9: expected "=" in #set, found "1"'],
    ['#set($x = )', 'line 1, column 11: expected a value, found ")"'],
    ['#set($x = [1 2])', 'line 1, column 14: expected "," or "]" in the list, found "2"'],
    ["#set($x = 'a)", "line 1, column 11: text in ' is not closed"],
    ['${m.a', 'line 1, column 6: expected "}" to close the reference, found the end of the template'],
    ['$text.length(', 'line 1, column 14: expected a value, found the end of the template'],
    ['#macro(a)#end', 'line 1, column 1: "#macro" is not supported'],
    ['#set($x = "a\n#if($y")', 'line 2, column 7: expected ")" to close #if, found the end of the template'],
    ['b\n$text.substring(20)', 'line 2, column 1: substring() fails: begin 20, end 11, length 11'],
    ['$number.parseInt("x")', 'line 1, column 1: parseInt() fails: for input string: "x"'],
  ])('%s says where: %s', (source, message) => {
    expect(() => render(source)).toThrow(message)
  })
})

describe('no path of a template leads to this process', () => {
  it.each([
    '$m.constructor',
    '$m.__proto__',
    '$text.constructor("return process")',
    '$m.hasOwnProperty("a")',
    '$bean.constructor',
    '$bean.methods',
    '$bean.twice.constructor',
    '$n.o.p.constructor',
    '$n.o.p.map("x")',
    '$m["__proto__"]["polluted"]',
    '$m.get("__proto__")',
    '$m.get("constructor")',
    '#set($k = "constr" + "uctor")$m[$k]',
  ])('%s', (source) => {
    expect(render(source)).toBe('')
  })

  it('and none changes its prototypes', () => {
    render(
      '#set($m.__proto__.polluted = "x")#set($h = {"__proto__": {"polluted": "x"}})$m.put("__proto__", $h)',
    )
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
